//! A conditional update in the making: its condition, what it sets and what it takes away.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, Delete, Update};

use super::StoreError;
use super::item::Item;
use super::users::Users;

/// An update of one row. Attributes whose names DynamoDB reserves go by an alias (`#…`).
pub(crate) struct Change {
    table: String,
    key: Item,
    names: HashMap<String, String>,
    values: HashMap<String, AttributeValue>,
    condition: String,
    set: Vec<String>,
    remove: Vec<String>,
    add: Vec<String>,
}

impl Change {
    /// A change of the row of this key in the users' table.
    pub(crate) fn of(users: &Users, key: Item) -> Self {
        Self {
            table: users.table.name.clone(),
            key,
            names: HashMap::new(),
            values: HashMap::new(),
            condition: String::new(),
            set: Vec::new(),
            remove: Vec::new(),
            add: Vec::new(),
        }
    }

    /// Only where this holds too.
    pub(crate) fn when(mut self, condition: impl Into<String>) -> Self {
        let condition = condition.into();
        if self.condition.is_empty() {
            self.condition = condition;
        } else {
            self.condition = format!("({}) AND ({condition})", self.condition);
        }
        self
    }

    /// An alias of an attribute.
    pub(crate) fn named(mut self, alias: &str, attribute: &str) -> Self {
        self.names.insert(alias.to_owned(), attribute.to_owned());
        self
    }

    /// A value that the condition names.
    pub(crate) fn with(mut self, name: &str, value: AttributeValue) -> Self {
        self.values.insert(name.to_owned(), value);
        self
    }

    /// Sets an attribute. Its value goes by the attribute's name.
    pub(crate) fn set(self, attribute: &str, value: AttributeValue) -> Self {
        self.set_as(attribute, attribute, value)
    }

    /// Sets an attribute that goes by an alias.
    pub(crate) fn set_named(self, alias: &str, attribute: &str, value: AttributeValue) -> Self {
        self.named(alias, attribute).set_as(alias, attribute, value)
    }

    /// Sets a member of a map that is there.
    pub(crate) fn set_member(mut self, map: &str, member: &str, value: AttributeValue) -> Self {
        let placeholder = format!(":new_{member}");
        self.set.push(format!("{map}.{member} = {placeholder}"));
        self.with(&placeholder, value)
    }

    fn set_as(mut self, name: &str, attribute: &str, value: AttributeValue) -> Self {
        let placeholder = format!(":new_{attribute}");
        self.set.push(format!("{name} = {placeholder}"));
        self.with(&placeholder, value)
    }

    /// Takes an attribute away.
    pub(crate) fn remove(mut self, attribute: &str) -> Self {
        self.remove.push(attribute.to_owned());
        self
    }

    /// Takes an attribute away that goes by an alias.
    pub(crate) fn remove_named(self, alias: &str, attribute: &str) -> Self {
        self.named(alias, attribute).remove(alias)
    }

    /// Sets an attribute, or takes it away.
    pub(crate) fn set_or_remove(self, attribute: &str, value: Option<AttributeValue>) -> Self {
        match value {
            Some(value) => self.set(attribute, value),
            None => self.remove(attribute),
        }
    }

    /// Adds to a number; one that is not there counts as nought.
    pub(crate) fn add(mut self, attribute: &str, value: AttributeValue) -> Self {
        let placeholder = format!(":more_{attribute}");
        self.add.push(format!("{attribute} {placeholder}"));
        self.with(&placeholder, value)
    }

    /// A deletion of the row under the same condition.
    pub(crate) fn build_delete(self) -> Result<Delete, StoreError> {
        Delete::builder()
            .table_name(self.table)
            .set_key(Some(self.key))
            .set_condition_expression((!self.condition.is_empty()).then_some(self.condition))
            .set_expression_attribute_names(Some(self.names).filter(|names| !names.is_empty()))
            .set_expression_attribute_values(Some(self.values).filter(|values| !values.is_empty()))
            .build()
            .map_err(|error| StoreError::inconsistent("users", error))
    }

    /// The update.
    pub(crate) fn build(self) -> Result<Update, StoreError> {
        let clause = |verb: &str, parts: &[String]| {
            (!parts.is_empty()).then(|| format!("{verb} {}", parts.join(", ")))
        };
        let clauses: Vec<String> = [
            clause("SET", &self.set),
            clause("REMOVE", &self.remove),
            clause("ADD", &self.add),
        ]
        .into_iter()
        .flatten()
        .collect();
        Update::builder()
            .table_name(self.table)
            .set_key(Some(self.key))
            .set_expression_attribute_names(Some(self.names).filter(|names| !names.is_empty()))
            .set_expression_attribute_values(Some(self.values).filter(|values| !values.is_empty()))
            .update_expression(clauses.join(" "))
            .set_condition_expression((!self.condition.is_empty()).then_some(self.condition))
            .build()
            .map_err(|error| StoreError::inconsistent("users", error))
    }
}
