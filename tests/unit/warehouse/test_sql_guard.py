"""`query` accepts a single statement that only reads, and refuses everything else."""

from __future__ import annotations

import pytest

from cryptoetl.errors import QueryError
from cryptoetl.warehouse.guard import Dialect, only_reading

DIALECTS: list[Dialect] = ["redshift", "duckdb"]

REFUSED = [
    "",
    "-- SELECT 1",
    "/* SELECT 1 */ ;",
    "DELETE FROM btc",
    "delete from btc",
    "/* SELECT */ DELETE FROM btc",
    "/* a /* b */ SELECT 1 */ DELETE FROM btc",
    "-- SELECT\nDROP TABLE btc",
    "SELECT 1 /* never ended",
    "INSERT INTO btc VALUES (1)",
    "UPDATE btc SET price = 0",
    "MERGE INTO btc USING xmr ON btc.date = xmr.date WHEN MATCHED THEN DELETE",
    "REPLACE INTO btc VALUES (1)",
    "TRUNCATE btc",
    "DROP VIEW all_currencies",
    "ALTER TABLE btc ADD COLUMN x INTEGER",
    "CREATE TABLE a AS SELECT 1",
    "CREATE OR REPLACE VIEW a AS SELECT 1",
    "COMMENT ON TABLE btc IS 'x'",
    "GRANT SELECT ON btc TO PUBLIC",
    "SELECT 1; DROP TABLE btc",
    "SELECT 1; SELECT 2",
    "SELECT 1;;\n-- a\nSELECT 2",
    "SELECT '\\'; DELETE FROM btc; --'",
    "BEGIN; SELECT 1",
    "COMMIT",
    "ROLLBACK",
    "END",
    "WITH a AS (DELETE FROM btc RETURNING *) SELECT * FROM a",
    "WITH a AS (INSERT INTO btc SELECT * FROM xmr RETURNING 1) SELECT 1",
    "WITH a AS (UPDATE btc SET price = 1 RETURNING 1) SELECT 1",
    "WITH a AS (SELECT 1) INSERT INTO btc SELECT * FROM a",
    "SELECT 1 WHERE EXISTS (WITH x AS (DELETE FROM btc RETURNING 1) SELECT 1)",
    "SELECT * INTO x FROM btc",
    "sElEcT 1 iNtO x",
    "SELECT * INTO TEMP x FROM btc",
    "SELECT a FROM b WHERE c IN (SELECT d INTO e FROM f)",
    "SELECT * FROM btc FOR UPDATE",
    "EXPLAIN DELETE FROM btc",
    "EXPLAIN ANALYZE DELETE FROM btc",
    "EXPLAIN /* SELECT */ VERBOSE UPDATE btc SET price = 0",
    "EXPLAIN EXPLAIN DELETE FROM btc",
    "EXPLAIN CREATE TABLE x AS SELECT 1",
    "DESCRIBE DELETE FROM btc",
    "SHOW (DELETE FROM btc)",
    "SHOW TABLES; DROP TABLE btc",
    "COPY btc FROM 's3://bucket/key'",
    "COPY (SELECT 1) TO 'file.csv'",
    "UNLOAD ('SELECT 1') TO 's3://bucket/key'",
    "ATTACH 'other.duckdb'",
    "DETACH x",
    "USE x",
    "LOAD 'httpfs'",
    "INSTALL httpfs",
    "EXPORT DATABASE 'folder'",
    "IMPORT DATABASE 'folder'",
    "PRAGMA database_list",
    "SET search_path TO x",
    "RESET ALL",
    "DISCARD ALL",
    "CALL a_procedure()",
    "DO $$ BEGIN DELETE FROM btc; END $$",
    "PREPARE p AS DELETE FROM btc",
    "EXECUTE p",
    "DECLARE c CURSOR FOR SELECT 1",
    "FETCH ALL FROM c",
    "LOCK btc",
    "VACUUM",
    "ANALYZE btc",
    "CHECKPOINT",
    "CANCEL 1",
    "KILL 1",
    "LISTEN x",
    "REFRESH MATERIALIZED VIEW v",
    "SELECT nextval('s')",
    "SELECT setval('s', 1)",
    "SELECT set_config('a', 'b', false)",
    "SELECT pg_terminate_backend(1)",
    "SELECT pg_catalog.pg_terminate_backend(1)",
    'SELECT "pg_terminate_backend"(1)',
    "SELECT PG_CANCEL_BACKEND /* a */ (1)",
    "SELECT (SELECT pg_sleep(100))",
    "SELECT lo_import('/etc/passwd')",
    "SELECT * FROM dblink('a', 'b')",
    "SELECT * FROM read_csv('x')",
    "SELECT * FROM btc UNION SELECT * FROM read_text('x')",
    "SELECT * FROM read_parquet('x')",
    "SELECT * FROM 'x.csv'",
    'SELECT * FROM "x.csv"',
    "SELECT * FROM 's3://bucket/x.parquet'",
    "SELECT * FROM glob('*')",
    "SELECT getenv('HOME')",
    "SELECT * FROM query('SELECT 1')",
    "SELECT * FROM query_table('btc')",
    "SELECT * FROM json_execute_serialized_sql('x')",
    "SELECT * FROM postgres_scan('a', 'b', 'c')",
    "SELECT 1\x00",
]

READING = [
    "SELECT 1",
    " \n SELECT 1 ; ",
    "-- why\nSELECT 1 -- because",
    "/* a /* b */ c */ SELECT 1",
    "(SELECT 1) UNION ALL (SELECT 2)",
    "SELECT 'DELETE FROM x; DROP TABLE y'",
    "SELECT 'it''s', \"date\" FROM \"order\"",
    "WITH a AS (SELECT * FROM btc) SELECT * FROM a",
    "WITH RECURSIVE d(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM d WHERE n < 5) SELECT * FROM d",
    "EXPLAIN SELECT 1",
    "EXPLAIN ANALYZE WITH a AS (SELECT 1) SELECT * FROM a",
    "SHOW TABLES",
    "SELECT b.date, b.price - x.price FROM market_data.btc b JOIN market_data.xmr x USING (date) ORDER BY 1",
    "SELECT date, avg(price) OVER (ORDER BY date ROWS BETWEEN 6 PRECEDING AND CURRENT ROW) FROM btc",
    "SELECT date, price, lag(price) OVER (PARTITION BY ticker ORDER BY date) FROM all_currencies",
    "SELECT ticker, date_trunc('month', date) AS m, max(price) FROM market_data.all_currencies GROUP BY 1, 2",
    "SELECT count(*) FROM btc WHERE price IS NULL AND date BETWEEN '2024-01-01' AND '2024-02-01'",
    "SELECT * FROM btc QUALIFY row_number() OVER (ORDER BY date DESC) = 1",
    "SELECT listagg(ticker, ',') WITHIN GROUP (ORDER BY ticker) FROM all_currencies",
    "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY price) FROM btc",
    "SELECT date::text, extract(year FROM date), date - DATE '2024-01-01' FROM btc",
    "SELECT corr(b.price, x.price) FROM btc b JOIN xmr x ON b.date = x.date",
    "SELECT replace('a', 'b', 'c'), coalesce(null, 1), CASE WHEN 1 > 0 THEN 'a' END",
    "SELECT pg_get_viewdef('x')",
]


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("sql", REFUSED)
def test_what_does_more_than_read_is_refused(sql: str, dialect: Dialect) -> None:
    with pytest.raises(QueryError):
        only_reading(sql, dialect)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("sql", READING)
def test_what_reads_goes_through_as_it_was_written(sql: str, dialect: Dialect) -> None:
    kept = only_reading(sql, dialect)
    assert kept in sql
    assert kept.split() == sql.split("*/ ")[-1].removeprefix("-- why\n").replace(" ; ", "").split()


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("DELETE FROM btc", "DELETE is refused: query only reads (SELECT, WITH, EXPLAIN, SHOW)"),
        ("SELECT 1; SELECT 2", "one statement is needed, there are 2"),
        ("SELECT 1 INTO x", "SELECT … INTO is refused: it makes a table, and query only reads"),
        ("SELECT nextval('s')", "the function nextval is refused: it does more than read tables"),
        ("SELECT * FROM 'a.csv'", "'a.csv' is refused: query reads tables, not files"),
        ("WITH a AS (DELETE FROM b RETURNING 1) SELECT 1", "DELETE is refused"),
        ("SELECT 1 FROM btc FOR UPDATE", "FOR UPDATE is refused: it locks rows"),
        ("SELECT FROM WHERE", "the statement cannot be understood: "),
        ("", "there is no statement"),
    ],
)
def test_the_refusal_says_what_is_in_the_way(sql: str, message: str) -> None:
    with pytest.raises(QueryError) as refusal:
        only_reading(sql, "redshift")
    assert str(refusal.value).startswith(message)
