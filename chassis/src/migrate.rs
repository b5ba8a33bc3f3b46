//! Bringing a service's schema up to date: roles, schema, rights, migrations.
//!
//! The chassis' own migrations (0001–0099) make the tables every service has; a service's own
//! start at 0101. Both run as one ascending list, recorded in `_sqlx_migrations` of the service's
//! schema. Every service gets four roles: `fettle_<service>_owner` owns and migrates,
//! `fettle_<service>` serves requests, `fettle_<service>_worker` runs background work,
//! `fettle_<service>_auditor` reads everything. The latter three touch rows and nothing else, behind
//! row-level security; see `docs/decisions/0016-walls.md`.

use sqlx::migrate::{MigrateError, Migration, Migrator};
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor, PgConnection};

/// The tables every service has.
pub static MIGRATIONS: Migrator = sqlx::migrate!("./migrations");

/// Extensions a service's migrations may rely on; made by the administrator, because an owner may
/// not. Each is part of a standard PostgreSQL installation; one that is absent is left out.
const EXTENSIONS: [&str; 2] = ["btree_gist", "pg_trgm"];

/// Days of partitions made at migration; the maintenance worker goes on from there.
const FIRST_PARTITIONS: i32 = 3;

/// Passwords of a service's roles; `None` leaves the role as it is (trust, peer, certificates, or
/// set by the administrator).
#[derive(Clone, Debug, Default)]
pub struct Passwords {
    /// Of `fettle_<service>_owner`.
    pub owner: Option<String>,
    /// Of `fettle_<service>`.
    pub runtime: Option<String>,
    /// Of `fettle_<service>_worker`.
    pub worker: Option<String>,
    /// Of `fettle_<service>_auditor`.
    pub auditor: Option<String>,
}

impl Passwords {
    /// One for all roles, as a private server has it.
    pub fn same(password: &str) -> Self {
        let each = || Some(password.to_owned());
        Self {
            owner: each(),
            runtime: each(),
            worker: each(),
            auditor: each(),
        }
    }
}

/// Why a schema could not be brought up to date.
#[derive(Debug, thiserror::Error)]
pub enum MigrationError {
    /// A service name is 1 to 30 of `[a-z_]`: it becomes part of role and schema names.
    #[error("{0:?} cannot name a service: 1 to 30 of a-z and _")]
    Name(String),
    /// A service's own migrations are numbered from 101; lower numbers are the chassis'.
    #[error("migration {0} is in the chassis' range: a service's own start at 0101")]
    Range(i64),
    /// Connecting, or making roles, schema and rights.
    #[error("preparing roles and schema: {0}")]
    Prepare(#[from] sqlx::Error),
    /// A migration failed, or an applied one was changed since.
    #[error("migrating: {0}")]
    Migrate(#[from] MigrateError),
}

/// The role names of a service.
#[derive(Clone, Debug)]
pub struct Roles {
    /// Owns the schema and migrates it.
    pub owner: String,
    /// Serves requests.
    pub runtime: String,
    /// Runs background work across tenants.
    pub worker: String,
    /// Reads everything across tenants, and changes nothing.
    pub auditor: String,
}

impl Roles {
    /// The roles of the service with this name.
    pub fn of(service: &str) -> Self {
        Self {
            owner: format!("fettle_{service}_owner"),
            runtime: format!("fettle_{service}"),
            worker: format!("fettle_{service}_worker"),
            auditor: format!("fettle_{service}_auditor"),
        }
    }
}

/// Brings the schema of `service` up to date; safe to call again and by many processes at once.
///
/// `admin` connects as a superuser, as a role that may create roles, or (where an administrator
/// made roles, schema and extensions beforehand) as the owner role itself.
pub async fn migrate(
    admin: &PgConnectOptions,
    service: &str,
    own: &Migrator,
    passwords: &Passwords,
) -> Result<(), MigrationError> {
    let combined = combine(service, own)?;
    let roles = Roles::of(service);
    let mut conn = admin
        .clone()
        .application_name("fettle migrate")
        .connect()
        .await?;

    let user: String = sqlx::query_scalar("select current_user::text")
        .fetch_one(&mut conn)
        .await?;
    if user != roles.owner {
        make_roles(&mut conn, service, &roles, passwords).await?;
        make_schema(&mut conn, service, &roles).await?;
        run(&mut conn, format!("set role {}", roles.owner)).await?;
    }
    run(
        &mut conn,
        format!("set search_path to {service}, public, pg_temp"),
    )
    .await?;
    let outcome = combined.run(&mut conn).await;
    if outcome.is_ok() {
        first_partitions(&mut conn).await?;
        raise_walls(&mut conn).await?;
    }
    // Closing also frees the migrator's advisory lock when a migration failed.
    conn.close().await?;
    Ok(outcome?)
}

/// The chassis' and the service's migrations as one ascending list.
pub fn combine(service: &str, own: &Migrator) -> Result<Migrator, MigrationError> {
    let named = (1..=30).contains(&service.len())
        && service.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    if !named {
        return Err(MigrationError::Name(service.to_owned()));
    }
    if let Some(low) = own.iter().find(|m| m.version <= 100) {
        return Err(MigrationError::Range(low.version));
    }
    let all: Vec<Migration> = MIGRATIONS.iter().chain(own.iter()).cloned().collect();
    let mut combined = Migrator::with_migrations(all);
    // The previous release may start while the next one has already migrated.
    combined.set_ignore_missing(true);
    Ok(combined)
}

/// Makes the four roles. Roles belong to the whole server, so two databases may race here: the
/// loser of a race finds the role made.
async fn make_roles(
    conn: &mut PgConnection,
    service: &str,
    roles: &Roles,
    passwords: &Passwords,
) -> Result<(), sqlx::Error> {
    let each = [
        (&roles.owner, &passwords.owner),
        (&roles.runtime, &passwords.runtime),
        (&roles.worker, &passwords.worker),
        (&roles.auditor, &passwords.auditor),
    ];
    for (role, password) in each {
        let made: bool = sqlx::query_scalar("select to_regrole($1) is not null")
            .bind(role)
            .fetch_one(&mut *conn)
            .await?;
        if !made {
            run_raced(conn, format!("create role {role} login")).await?;
            run_raced(
                conn,
                format!("alter role {role} set search_path = {service}, public, pg_temp"),
            )
            .await?;
        }
        if let Some(password) = password {
            let quoted = quote_literal(password);
            run_raced(conn, format!("alter role {role} password {quoted}")).await?;
        }
    }
    let may_act: bool = sqlx::query_scalar("select pg_has_role(current_user, $1, 'member')")
        .bind(&roles.owner)
        .fetch_one(&mut *conn)
        .await?;
    if !may_act {
        run_raced(conn, format!("grant {} to current_user", roles.owner)).await?;
    }
    Ok(())
}

/// Makes extensions, schema and rights, one process at a time per database.
async fn make_schema(
    conn: &mut PgConnection,
    service: &str,
    Roles {
        owner,
        runtime,
        worker,
        ..
    }: &Roles,
) -> Result<(), sqlx::Error> {
    let mut tx = conn.begin().await?;
    sqlx::query("select pg_advisory_xact_lock(hashtext('fettle.make_schema'))")
        .execute(&mut *tx)
        .await?;
    for extension in EXTENSIONS {
        let missing: bool = sqlx::query_scalar(
            "select exists (select from pg_available_extensions where name = $1)
                and not exists (select from pg_extension where extname = $1)",
        )
        .bind(extension)
        .fetch_one(&mut *tx)
        .await?;
        if missing {
            run(
                &mut tx,
                format!("create extension {extension} schema public"),
            )
            .await?;
        }
    }
    let made: bool = sqlx::query_scalar("select to_regnamespace($1) is not null")
        .bind(service)
        .fetch_one(&mut *tx)
        .await?;
    if !made {
        run(
            &mut tx,
            format!("create schema {service} authorization {owner}"),
        )
        .await?;
        run(
            &mut tx,
            format!("grant usage on schema {service} to {runtime}, {worker}"),
        )
        .await?;
        run(&mut tx, rights(service, owner, runtime, worker)).await?;
    }
    tx.commit().await
}

/// What the owner's future tables, sequences and functions allow the roles that serve and work;
/// the tables that background work touches are granted by migrations, one by one.
fn rights(service: &str, owner: &str, runtime: &str, worker: &str) -> String {
    format!(
        "alter default privileges for role {owner} revoke execute on functions from public;
         alter default privileges for role {owner} in schema {service}
             grant select, insert, update, delete on tables to {runtime};
         alter default privileges for role {owner} in schema {service}
             grant usage, select on sequences to {runtime}, {worker};
         alter default privileges for role {owner} in schema {service}
             grant execute on functions to {runtime}, {worker};"
    )
}

/// The days from yesterday on, so that a new schema starts with partitions and not with its
/// default one.
async fn first_partitions(conn: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query("select ensure_partitions('outbox', (now() at time zone 'UTC')::date - 1, $1)")
        .bind(FIRST_PARTITIONS)
        .execute(conn)
        .await?;
    Ok(())
}

/// Puts tables that are new behind row-level security.
async fn raise_walls(conn: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query("select raise_walls()").execute(conn).await?;
    Ok(())
}

/// Runs statements that carry names of ours (checked by [`combine`]) and no values of others.
async fn run(conn: &mut PgConnection, sql: String) -> Result<(), sqlx::Error> {
    conn.execute(sqlx::raw_sql(AssertSqlSafe(sql))).await?;
    Ok(())
}

/// As [`run`], for server-wide catalogues: tries again when another database's migration touched
/// the same row, and takes "exists already" for success.
async fn run_raced(conn: &mut PgConnection, sql: String) -> Result<(), sqlx::Error> {
    let mut tries = 0;
    loop {
        let Err(error) = run(conn, sql.clone()).await else {
            return Ok(());
        };
        let code = error
            .as_database_error()
            .and_then(|e| e.code())
            .unwrap_or_default();
        match &*code {
            "42710" | "23505" => return Ok(()),
            "XX000" | "40001" | "40P01" if tries < 20 => {
                tries += 1;
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
            _ => return Err(error),
        }
    }
}

/// `text` as an SQL literal, for statements that take no parameters.
fn quote_literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
