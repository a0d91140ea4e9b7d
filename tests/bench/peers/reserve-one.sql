SELECT reserve(42, 1);
