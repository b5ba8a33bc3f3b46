//! Writes, for every message of the contract, what `src/privacy.rs` speaks of: `Personal`, `Named`,
//! and a `Debug` that shows no personal field. Reads nothing but descriptors.

use heck::ToSnakeCase;
use prost_reflect::{
    Cardinality, DescriptorPool, ExtensionDescriptor, FieldDescriptor, Kind, MessageDescriptor,
};

/// The option that marks a field.
const OPTION: &str = "fettle.type.v1.personal";

/// The code, to be included where `Personal`, `Named`, `shown` and `Debug` are in scope.
pub(crate) fn generate(pool: &DescriptorPool) -> String {
    let option = pool.get_extension_by_name(OPTION);
    let marks = Marks(option.unwrap_or_else(|| panic!("the contract has no option {OPTION}")));
    let mut code = String::new();
    for message in pool.all_messages().filter(of_contract) {
        marks.refuse_oneofs(&message);
        let (path, name) = (rust_path(&message), message.name());
        let (redact, debug) = (marks.redact(&message), marks.debug(&message));
        let named = message.get_field_by_name("name");
        let named = named.is_some_and(|f| matches!(f.kind(), Kind::String) && !f.is_list());
        let named = if named { "&self.name" } else { r#""""# };
        code += &format!(
            "impl Personal for {path} {{\n    fn redact(&mut self) {{{redact}}}\n}}\n\
             impl Named for {path} {{\n    fn resource_name(&self) -> &str {{ {named} }}\n}}\n\
             impl Debug for {path} {{\n    fn fmt(&self, f: &mut Formatter<'_>) -> Result {{\n\
             f.debug_struct({name:?}){debug}.finish()\n    }}\n}}\n"
        );
    }
    code
}

struct Marks(ExtensionDescriptor);

impl Marks {
    fn marked(&self, field: &FieldDescriptor) -> bool {
        field.options().get_extension(&self.0).as_bool() == Some(true)
    }

    /// Whether the message, or one inside it, has a marked field. `above` are the messages it is
    /// asked for within: one that holds itself is looked at once.
    fn carries(&self, message: &MessageDescriptor, above: &[MessageDescriptor]) -> bool {
        if above.contains(message) {
            return false;
        }
        let above = [above, std::slice::from_ref(message)].concat();
        message.fields().any(|field| match field.kind() {
            _ if self.marked(&field) => true,
            Kind::Message(inner) => self.carries(&inner, &above),
            _ => false,
        })
    }

    /// Rust keeps the choices of a oneof in an enum of their own; nothing here writes its `Debug`.
    fn refuse_oneofs(&self, message: &MessageDescriptor) {
        for field in message.fields().filter(|field| self.marked(field)) {
            let chosen = field.containing_oneof().is_some_and(|o| !o.is_synthetic());
            let name = field.full_name();
            assert!(
                !chosen,
                "{name}: put personal fields of a oneof into a message"
            );
        }
    }

    /// Statements that empty what is marked, and what is marked inside of what is not.
    fn redact(&self, message: &MessageDescriptor) -> String {
        let mut body = String::new();
        for field in message.fields() {
            let name = field.name();
            let Kind::Message(inner) = field.kind() else {
                if self.marked(&field) {
                    body += &format!("self.r#{name} = Default::default();");
                }
                continue;
            };
            let oneof = field.containing_oneof().filter(|o| !o.is_synthetic());
            body += &match oneof {
                _ if self.marked(&field) => format!("self.r#{name} = Default::default();"),
                _ if !self.carries(&inner, &[]) => continue,
                Some(oneof) => format!("self.r#{} = None;", oneof.name()),
                None if field.is_map() => {
                    format!("self.r#{name}.values_mut().for_each(Personal::redact);")
                }
                None => format!("self.r#{name}.iter_mut().for_each(|inner| inner.redact());"),
            };
        }
        body
    }

    /// The message's fields as calls on its `DebugStruct`; enums by their names.
    fn debug(&self, message: &MessageDescriptor) -> String {
        let plain = message
            .fields()
            .filter(|f| f.containing_oneof().is_none_or(|o| o.is_synthetic()));
        let fields = plain.map(|field| {
            let name = field.name();
            let value = match field.kind() {
                _ if self.marked(&field) => format!("shown(&self.r#{name})"),
                Kind::Enum(_) if field.cardinality() == Cardinality::Repeated => {
                    format!("&self.r#{name}().collect::<Vec<_>>()")
                }
                Kind::Enum(_) => format!("&self.r#{name}()"),
                _ => format!("&self.r#{name}"),
            };
            format!(".field({name:?}, {value})")
        });
        let oneofs = message.oneofs().filter(|oneof| !oneof.is_synthetic());
        let oneofs = oneofs.map(|o| format!(".field({0:?}, &self.r#{0})", o.name()));
        fields.chain(oneofs).collect()
    }
}

fn of_contract(message: &MessageDescriptor) -> bool {
    message.package_name().starts_with("fettle.") && !message.is_map_entry()
}

/// Where prost puts the message: `crate::ticket::v1::ticket_history::Entry`.
fn rust_path(message: &MessageDescriptor) -> String {
    let package = message.package_name().trim_start_matches("fettle.");
    let mut path = String::from("crate");
    for module in package.split('.') {
        path += &format!("::r#{module}");
    }
    let parents = message.full_name()[message.package_name().len() + 1..].split('.');
    let mut parents: Vec<&str> = parents.collect();
    parents.pop();
    for parent in parents {
        path += &format!("::r#{}", parent.to_snake_case());
    }
    format!("{path}::{}", message.name())
}
