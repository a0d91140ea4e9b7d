\set sku random(0, :products - 1)
SELECT reserve(:sku, 1);
