-- Two roles for chatd's database: chatd_owner owns the schema and migrates it (`chatd migrate`),
-- chatd is the one that default nodes run as. It reads and writes rows, and can do nothing else.
--
-- As a superuser, in a database that only chatd uses:
--
--     createdb chatd
--     psql -d chatd -f postgresql-roles.sql
--     DB_URI=postgresql://chatd_owner@/chatd chatd migrate
--     psql -d chatd -f postgresql-roles.sql
--
-- The second time it takes the rights to the two tables of the migrations away. It may be run as
-- often as you like, also in a database in which chatd has owned everything. Passwords are set with
-- \password in psql; with the peer method of pg_hba.conf none is needed.

DO $$
DECLARE
    name TEXT;
BEGIN
    FOREACH name IN ARRAY ARRAY['chatd_owner', 'chatd'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) THEN
            EXECUTE format('CREATE ROLE %I LOGIN', name);
        END IF;
    END LOOP;
    REASSIGN OWNED BY chatd TO chatd_owner;
    EXECUTE format('ALTER DATABASE %I OWNER TO chatd_owner', current_database());
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC, chatd', current_database());
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO chatd', current_database());
END
$$;

ALTER SCHEMA public OWNER TO chatd_owner;
REVOKE ALL ON SCHEMA public FROM PUBLIC, chatd;
GRANT USAGE ON SCHEMA public TO chatd;

-- The tables that there are, and those of later migrations.
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO chatd;
ALTER DEFAULT PRIVILEGES FOR ROLE chatd_owner IN SCHEMA public
    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO chatd;

DO $$
DECLARE
    name TEXT;
BEGIN
    FOREACH name IN ARRAY ARRAY['schema_migration', 'schema_fingerprint'] LOOP
        IF to_regclass('public.' || name) IS NOT NULL THEN
            EXECUTE format('REVOKE INSERT, UPDATE, DELETE ON public.%I FROM chatd', name);
        END IF;
    END LOOP;
END
$$;
