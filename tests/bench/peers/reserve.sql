-- reserve.sql - PostgreSQL's side of the comparison: check, take, remember.
--
-- psql -v products=N. One row per SKU, locked while its numbers are checked,
-- and a record for every accepted reservation.
CREATE TABLE stock (
    sku integer PRIMARY KEY,
    onhand bigint NOT NULL,
    reserved bigint NOT NULL DEFAULT 0,
    allocated bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 70);

CREATE TABLE reservation (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sku integer NOT NULL,
    quantity bigint NOT NULL,
    created timestamptz NOT NULL DEFAULT now()
);

INSERT INTO stock (sku, onhand)
SELECT sku, 1000000000000 FROM generate_series(0, :products - 1) AS sku;

CREATE FUNCTION reserve(wanted_sku integer, wanted bigint) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    available bigint;
BEGIN
    SELECT s.onhand - s.reserved - s.allocated INTO available
    FROM stock AS s WHERE s.sku = wanted_sku FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no such SKU: %', wanted_sku;
    END IF;
    IF available < wanted THEN
        RAISE EXCEPTION 'only % left', available;
    END IF;
    UPDATE stock SET reserved = reserved + wanted WHERE sku = wanted_sku;
    INSERT INTO reservation (sku, quantity) VALUES (wanted_sku, wanted);
    RETURN available - wanted;
END
$$;

VACUUM ANALYZE;
