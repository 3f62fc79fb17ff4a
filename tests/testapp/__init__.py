"""Models of every shape, for the tests of generic operations. Without migrations: its tables are made with the database."""
