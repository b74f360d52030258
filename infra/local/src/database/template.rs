//! Reads the tables out of `template.yaml`, which is their one definition.

use serde_json::{Map, Value, json};
use serde_yaml_ng::Value as Yaml;

const TEMPLATE: &str = include_str!("../../../../template.yaml");

/// Names of local tables begin with this, as a stack's do with its name.
const PREFIX: &str = "latchkey-";

/// Why the template's tables can't be read.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// It is not YAML.
    #[error("the template is not YAML")]
    Yaml(#[from] serde_yaml_ng::Error),
    /// It is YAML that JSON can't say.
    #[error("the template has a key that is not text")]
    Key,
    /// It has no resources.
    #[error("the template has no resources")]
    Empty,
    /// A table lacks what a table must have.
    #[error("the table {0} of the template has no {1}")]
    Incomplete(String, &'static str),
}

/// A table as DynamoDB's `CreateTable` takes it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TableDefinition {
    /// The template's name for it, such as `UsersTable`.
    pub(crate) logical_id: String,
    /// The local name of the table, such as `latchkey-users`.
    pub(crate) name: String,
    /// The body of the `CreateTable` call.
    pub(crate) create: Value,
    /// The attribute that says when a row dies.
    pub(crate) ttl_attribute: Option<String>,
    /// Whether changes of the table are streamed.
    pub(crate) streamed: bool,
}

impl TableDefinition {
    /// The tables of this repository's template.
    pub(crate) fn of_this_repository() -> Result<Vec<Self>, TemplateError> {
        Self::all(TEMPLATE)
    }

    /// The variable by which functions are told the table's name, such as `USERS_TABLE`.
    pub(crate) fn setting(&self) -> String {
        words(&self.logical_id).join("_").to_ascii_uppercase()
    }

    fn all(template: &str) -> Result<Vec<Self>, TemplateError> {
        let template = plain(serde_yaml_ng::from_str(template)?)?;
        let resources = template
            .get("Resources")
            .and_then(Value::as_object)
            .ok_or(TemplateError::Empty)?;
        resources
            .iter()
            .filter(|(_, resource)| resource["Type"] == "AWS::DynamoDB::Table")
            .map(|(logical_id, resource)| Self::read(logical_id, &resource["Properties"]))
            .collect()
    }

    fn read(logical_id: &str, properties: &Value) -> Result<Self, TemplateError> {
        let mut noun = words(logical_id);
        noun.pop_if(|word| word == "Table");
        let name = format!("{PREFIX}{}", noun.join("-").to_ascii_lowercase());

        let mut create = Map::new();
        create.insert("TableName".to_owned(), json!(name));
        create.insert("BillingMode".to_owned(), json!("PAY_PER_REQUEST"));
        for key in ["AttributeDefinitions", "KeySchema"] {
            let value = properties
                .get(key)
                .ok_or_else(|| TemplateError::Incomplete(logical_id.to_owned(), key))?;
            create.insert(key.to_owned(), value.clone());
        }
        for key in ["GlobalSecondaryIndexes", "LocalSecondaryIndexes"] {
            if let Some(value) = properties.get(key) {
                create.insert(key.to_owned(), value.clone());
            }
        }
        let view = properties.pointer("/StreamSpecification/StreamViewType");
        if let Some(view) = view {
            // CloudFormation takes the block for the switch; the API wants it thrown.
            let stream = json!({ "StreamEnabled": true, "StreamViewType": view });
            create.insert("StreamSpecification".to_owned(), stream);
        }
        let ttl = &properties["TimeToLiveSpecification"];
        Ok(Self {
            logical_id: logical_id.to_owned(),
            name,
            create: Value::Object(create),
            ttl_attribute: ttl["AttributeName"]
                .as_str()
                .filter(|_| ttl["Enabled"] != false)
                .map(ToOwned::to_owned),
            streamed: view.is_some(),
        })
    }
}

/// The parts of a name in camel case.
fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for letter in name.chars() {
        match words.last_mut() {
            Some(word) if !letter.is_ascii_uppercase() => word.push(letter),
            _ => words.push(letter.to_string()),
        }
    }
    words
}

/// The same document as JSON. The template's tags (`!Ref`, `!Sub`, `!If`, ...) are replaced by
/// what they are put on: nothing that makes a table depends on them.
fn plain(yaml: Yaml) -> Result<Value, TemplateError> {
    Ok(match yaml {
        Yaml::Tagged(tagged) => plain(tagged.value)?,
        Yaml::Sequence(items) => {
            Value::Array(items.into_iter().map(plain).collect::<Result<_, _>>()?)
        }
        Yaml::Mapping(members) => {
            let mut object = Map::new();
            for (key, value) in members {
                let key = match plain(key)? {
                    Value::String(text) => text,
                    Value::Number(number) => number.to_string(),
                    _ => return Err(TemplateError::Key),
                };
                object.insert(key, plain(value)?);
            }
            Value::Object(object)
        }
        Yaml::Null => Value::Null,
        Yaml::Bool(value) => Value::Bool(value),
        Yaml::Number(number) => serde_json::to_value(number).unwrap_or_default(),
        Yaml::String(text) => Value::String(text),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str = r"
Resources:
  AuditEventsTable:
    Type: AWS::DynamoDB::Table
    DeletionPolicy: !If [Production, Retain, Delete]
    Properties:
      TableName: !Sub '${AWS::StackName}-events'
      BillingMode: PAY_PER_REQUEST
      DeletionProtectionEnabled: !Equals [!Ref Stage, production]
      AttributeDefinitions:
        - { AttributeName: pk, AttributeType: S }
        - { AttributeName: day, AttributeType: S }
      KeySchema: [{ AttributeName: pk, KeyType: HASH }]
      GlobalSecondaryIndexes:
        - IndexName: by-day
          KeySchema: [{ AttributeName: day, KeyType: HASH }]
          Projection: { ProjectionType: ALL }
      StreamSpecification: { StreamViewType: NEW_IMAGE }
      TimeToLiveSpecification: { AttributeName: ttl, Enabled: true }
  Queue:
    Type: AWS::SQS::Queue
";

    #[test]
    fn a_table_is_read_with_its_index_stream_and_ttl() {
        let tables = TableDefinition::all(SMALL).unwrap();
        let [table] = &tables[..] else {
            panic!("there is one table: {tables:?}");
        };
        assert_eq!(table.name, "latchkey-audit-events");
        assert_eq!(table.setting(), "AUDIT_EVENTS_TABLE");
        assert_eq!(table.ttl_attribute.as_deref(), Some("ttl"));
        assert!(table.streamed);
        assert_eq!(
            table.create,
            json!({
                "TableName": "latchkey-audit-events",
                "BillingMode": "PAY_PER_REQUEST",
                "AttributeDefinitions": [
                    { "AttributeName": "pk", "AttributeType": "S" },
                    { "AttributeName": "day", "AttributeType": "S" },
                ],
                "KeySchema": [{ "AttributeName": "pk", "KeyType": "HASH" }],
                "GlobalSecondaryIndexes": [{
                    "IndexName": "by-day",
                    "KeySchema": [{ "AttributeName": "day", "KeyType": "HASH" }],
                    "Projection": { "ProjectionType": "ALL" },
                }],
                "StreamSpecification": { "StreamEnabled": true, "StreamViewType": "NEW_IMAGE" },
            })
        );
    }

    #[test]
    fn a_table_without_keys_is_an_error() {
        let template = "{Resources: {XTable: {Type: AWS::DynamoDB::Table, Properties: {}}}}";
        assert!(matches!(
            TableDefinition::all(template),
            Err(TemplateError::Incomplete(..))
        ));
    }

    #[test]
    fn this_repository_s_tables_have_the_names_that_functions_ask_for() {
        let tables = TableDefinition::of_this_repository().unwrap();
        let mut settings: Vec<_> = tables.iter().map(TableDefinition::setting).collect();
        settings.sort();
        for setting in [
            "EVENTS_TABLE",
            "SESSIONS_TABLE",
            "TOKENS_TABLE",
            "USERS_TABLE",
        ] {
            assert!(settings.iter().any(|name| name == setting), "{settings:?}");
        }
        let streamed = tables.iter().filter(|table| table.streamed);
        let names: Vec<_> = streamed.map(|table| table.name.as_str()).collect();
        assert_eq!(names, ["latchkey-events"]);
    }
}
