//! Tenants are walled off from each other by the tables themselves, whatever a query forgets.

use sqlx::{AssertSqlSafe, PgPool};
use stories::world::{NOTEBOOK, SERVICES, World};

/// Tables of the connection's schema that hold tenants' rows, with how many.
async fn tables_with_rows(pool: &PgPool, schema: &str) -> Vec<(String, i64)> {
    let names: Vec<String> = sqlx::query_scalar(
        "select c.relname::text from pg_class c
         join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id'
         where c.relnamespace = to_regnamespace($1) and c.relkind in ('r', 'p')
             and not c.relispartition
         order by 1",
    )
    .bind(schema)
    .fetch_all(pool)
    .await
    .unwrap();
    let mut tables = Vec::new();
    for name in names {
        let count = AssertSqlSafe(format!("select count(*) from {schema}.{name}"));
        tables.push((
            name,
            sqlx::query_scalar(count).fetch_one(pool).await.unwrap(),
        ));
    }
    tables
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_main_job_no_table_of_any_service_shows_a_row_to_another_tenant() {
    // Given a repaired device, with rows in every service,
    let mut world = World::new().await;
    let ticket = world.report(NOTEBOOK, "MEMORY").await;
    world.visit(&ticket).await.repair().await;
    world.confirm(&ticket).await;
    for service in SERVICES {
        // no outbox moves while rows are counted.
        world.stop(service.name).await;
    }

    let mut with_rows = 0;
    for service in SERVICES {
        let schema = service.name;
        let everything = world.suite().pool_of(schema);
        for (table, rows) in tables_with_rows(&everything, schema).await {
            // when the role that serves requests asks without any filter,
            let role = world.suite().pool_as(schema, &format!("fettle_{schema}"));
            let mut conn = role.acquire().await.unwrap();
            // What it may only append to, or not touch at all, it sees nothing of.
            let may = sqlx::query_scalar::<_, bool>("select has_table_privilege($1, 'select')");
            let may = may.bind(format!("{schema}.{table}"));
            if !may.fetch_one(&mut *conn).await.unwrap() {
                assert!(table.starts_with("audit_"), "{schema}.{table}");
                continue;
            }
            let count = format!("select count(*) from {schema}.{table}");
            let mut seen = Vec::new();
            for tenant in ["acme", "globex", ""] {
                let set = sqlx::query("select set_config('fettle.tenant', $1, false)").bind(tenant);
                set.execute(&mut *conn).await.unwrap();
                let count = sqlx::query_scalar::<_, i64>(AssertSqlSafe(count.clone()));
                seen.push(count.fetch_one(&mut *conn).await.unwrap());
            }

            // then a tenant sees its own rows, and nobody else's.
            assert_eq!(seen, [rows, 0, 0], "{schema}.{table}");
            with_rows += usize::from(rows > 0);
        }
    }
    assert!(with_rows > 20, "only {with_rows} tables had rows");
}
