-- What a worker may say of itself has limits: it is read at every placement, and shown to people.
ALTER TABLE worker
    ADD CONSTRAINT worker_is_small CHECK (
        length(name) BETWEEN 1 AND 200 AND length(host) <= 255 AND length(worker_type) <= 50
        AND octet_length(CAST(capabilities AS TEXT)) <= 262144),
    ADD CONSTRAINT worker_has_a_plain_name CHECK (name !~ '[[:cntrl:]]');
ALTER TABLE runtime_version
    ADD CONSTRAINT runtime_version_is_small CHECK (length(runtime) <= 200 AND length(version) <= 200);
