//! The embedded DynamoDB, with the tables of `template.yaml`.
//!
//! In memory it tells the time by the service's clock. In a file it can only have the machine's,
//! which delays what TTL sweeps and changes nothing else: the code compares every expiry itself.
//!
//! A file outlives `kill -9` between any two requests. Each request is one SQLite transaction,
//! committed before it is answered, in WAL mode with SQLite's default `synchronous = FULL`, so the
//! commit is in the log on disk when the caller hears of it, and the next start reads the log.

mod template;

use std::path::Path;
use std::sync::Arc;

use dynoxide::{Database, DynoxideError};
use serde_json::json;

pub(crate) use self::template::TableDefinition;
pub use self::template::TemplateError;
use crate::clock::DevClock;

/// Why there is no database.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// The template's tables can't be understood.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// A table's definition is none that DynamoDB would take.
    #[error("the table {0} of the template can't be created")]
    Definition(String, #[source] serde_json::Error),
    /// The emulator refused.
    #[error("the embedded database failed: {0}")]
    Emulator(#[from] DynoxideError),
    /// The file's path is not UTF-8, which the emulator wants.
    #[error("the path of the database is not UTF-8")]
    Path,
}

/// Opens the database in this file, or in memory, and makes the tables that are missing.
pub(crate) fn open(
    file: Option<&Path>,
    clock: &Arc<DevClock>,
    tables: &[TableDefinition],
) -> Result<Database, DatabaseError> {
    let database = match file {
        Some(path) => Database::new(path.to_str().ok_or(DatabaseError::Path)?)?,
        None => Database::memory_with_clock(clock.clone())?,
    };
    for table in tables {
        create(&database, table)?;
    }
    Ok(database)
}

fn create(database: &Database, table: &TableDefinition) -> Result<(), DatabaseError> {
    let wrong = |error| DatabaseError::Definition(table.name.clone(), error);
    match database.get_table_metadata(&table.name)? {
        None => {
            database.create_table(serde_json::from_value(table.create.clone()).map_err(wrong)?)?;
        }
        Some(metadata) => {
            let known = metadata.gsi_definitions.unwrap_or_default();
            add_indexes(database, table, &known)?;
        }
    }
    let Some(attribute) = &table.ttl_attribute else {
        return Ok(());
    };
    let described = database.describe_time_to_live(
        serde_json::from_value(json!({ "TableName": table.name })).map_err(wrong)?,
    )?;
    let described = serde_json::to_value(described).map_err(wrong)?;
    let enabled = described.pointer("/TimeToLiveDescription/TimeToLiveStatus");
    if enabled.and_then(|status| status.as_str()) != Some("ENABLED") {
        let request = json!({
            "TableName": table.name,
            "TimeToLiveSpecification": { "AttributeName": attribute, "Enabled": true },
        });
        database.update_time_to_live(serde_json::from_value(request).map_err(wrong)?)?;
    }
    Ok(())
}

/// Adds the indexes that a table of an earlier version lacks.
fn add_indexes(
    database: &Database,
    table: &TableDefinition,
    known: &str,
) -> Result<(), DatabaseError> {
    let wrong = |error| DatabaseError::Definition(table.name.clone(), error);
    let wanted = table.create["GlobalSecondaryIndexes"].as_array();
    for index in wanted.into_iter().flatten() {
        if index["IndexName"]
            .as_str()
            .is_some_and(|name| known.contains(&format!("\"{name}\"")))
        {
            continue;
        }
        let request = json!({
            "TableName": table.name,
            "AttributeDefinitions": table.create["AttributeDefinitions"],
            "GlobalSecondaryIndexUpdates": [{ "Create": index }],
        });
        database.update_table(serde_json::from_value(request).map_err(wrong)?)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_template_s_tables_are_made_once() {
        let tables = TableDefinition::of_this_repository().unwrap();
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("database.sqlite");
        let clock = Arc::new(DevClock::open(None).unwrap());
        for _ in 0..2 {
            let database = open(Some(&file), &clock, &tables).unwrap();
            assert_eq!(database.table_count().unwrap(), tables.len());
        }
    }

    #[test]
    fn a_table_of_before_gets_the_indexes_that_it_lacks() {
        let tables = TableDefinition::of_this_repository().unwrap();
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("database.sqlite");
        let clock = Arc::new(DevClock::open(None).unwrap());
        let mut before = tables.clone();
        for table in &mut before {
            let create = table.create.as_object_mut().unwrap();
            if create.remove("GlobalSecondaryIndexes").is_some() {
                create["AttributeDefinitions"]
                    .as_array_mut()
                    .unwrap()
                    .retain(|defined| {
                        ["pk", "sk"]
                            .iter()
                            .any(|key| defined["AttributeName"] == *key)
                    });
            }
        }
        drop(open(Some(&file), &clock, &before).unwrap());
        for _ in 0..2 {
            let database = open(Some(&file), &clock, &tables).unwrap();
            let metadata = database.get_table_metadata("latchkey-users").unwrap();
            let indexes = metadata.unwrap().gsi_definitions.unwrap();
            for name in ["by-shut-out", "by-plan-end"] {
                assert_eq!(
                    indexes.matches(&format!("\"{name}\"")).count(),
                    1,
                    "{indexes}"
                );
            }
        }
    }

    #[test]
    fn rows_die_when_the_service_s_clock_says_so() {
        let tables = TableDefinition::of_this_repository().unwrap();
        let clock = Arc::new(DevClock::open(None).unwrap());
        let database = open(None, &clock, &tables).unwrap();
        let expires = latchkey_shared::clock::Clock::now(&*clock).as_second() + 600;
        let put = json!({
            "TableName": "latchkey-tokens",
            "Item": { "pk": { "S": "t" }, "ttl": { "N": expires.to_string() } },
        });
        database
            .put_item(serde_json::from_value(put).unwrap())
            .unwrap();
        assert_eq!(database.sweep_ttl().unwrap(), 0);
        clock.advance(601).unwrap();
        assert_eq!(database.sweep_ttl().unwrap(), 1);
    }
}
