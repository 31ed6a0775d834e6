-- What a worker may say of itself has limits: it is read at every placement, and shown to people.
CREATE TRIGGER worker_is_small_when_made BEFORE INSERT ON worker
WHEN length(NEW.name) NOT BETWEEN 1 AND 200 OR length(NEW.host) > 255 OR length(NEW.worker_type) > 50
    OR octet_length(NEW.capabilities) > 262144 OR NEW.name GLOB '*[' || char(1) || '-' || char(31) || char(127) || ']*'
BEGIN
    SELECT RAISE(ABORT, 'worker_is_small: what a worker says of itself is too large, or its name is not plain');
END;
CREATE TRIGGER worker_is_small_when_renewed BEFORE UPDATE OF host, worker_type, capabilities ON worker
WHEN length(NEW.host) > 255 OR length(NEW.worker_type) > 50 OR octet_length(NEW.capabilities) > 262144
BEGIN
    SELECT RAISE(ABORT, 'worker_is_small: what a worker says of itself is too large');
END;
