//! Fixtures for tests: private PostgreSQL and RabbitMQ, conditions, processes
