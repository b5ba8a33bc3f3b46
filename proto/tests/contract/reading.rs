//! A contract as its tests read it: elements of `fettle.*`, their comments and HTTP mapping.

use std::collections::HashMap;
use std::path::Path;
use std::sync::LazyLock;

use prost_reflect::{
    DescriptorPool, EnumDescriptor, FieldDescriptor, FileDescriptor, MessageDescriptor,
    MethodDescriptor, ReflectMessage, ServiceDescriptor, Value,
};
use protox::file::{
    ChainFileResolver, File, FileResolver, GoogleFileResolver, IncludeFileResolver,
};

/// A compiled contract with its comments.
pub(crate) struct Contract {
    pool: DescriptorPool,
    comments: HashMap<(String, Vec<i32>), String>,
}

static OURS: LazyLock<Contract> = LazyLock::new(|| Contract::of(proto::DESCRIPTORS));

/// How an RPC is reached over HTTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Binding {
    /// `GET`, `POST`, `PATCH`, `PUT`, `DELETE`.
    pub(crate) verb: &'static str,
    /// The path template as written.
    pub(crate) path: String,
    /// The request field that is the body; `*` is all that the path does not hold.
    pub(crate) body: String,
}

impl Contract {
    /// The contract of this crate.
    pub(crate) fn ours() -> &'static Contract {
        &OURS
    }

    /// A contract of one file; package, imports and syntax are given to it. A comment belongs to
    /// what follows it, also within a line.
    pub(crate) fn tiny(text: &str) -> Contract {
        let text = text.replace("/* ", "\n/* ").replace(" */", " */\n");
        let source = format!(
            "syntax = \"proto3\"; package fettle.tiny.v1; \
             import \"google/api/annotations.proto\"; \
             import \"google/protobuf/field_mask.proto\"; \
             import \"google/protobuf/timestamp.proto\"; \
             import \"fettle/type/v1/error_reason.proto\"; \
             import \"fettle/type/v1/privacy.proto\";\n{text}"
        );
        let mut resolver = ChainFileResolver::new();
        resolver.add(InMemory(source));
        resolver.add(IncludeFileResolver::new(
            Path::new(env!("CARGO_MANIFEST_DIR")).to_owned(),
        ));
        resolver.add(GoogleFileResolver::new());
        let mut compiler = protox::Compiler::with_file_resolver(resolver);
        compiler.include_imports(true).include_source_info(true);
        compiler.open_file(InMemory::NAME).unwrap();
        Contract::of(&compiler.encode_file_descriptor_set())
    }

    fn of(descriptors: &[u8]) -> Contract {
        let pool = DescriptorPool::decode(descriptors).unwrap();
        let mut comments = HashMap::new();
        for file in pool.files().filter(|f| ours(f.package_name())) {
            let raw = file.file_descriptor_proto();
            for location in raw.source_code_info.iter().flat_map(|info| &info.location) {
                if let Some(comment) = &location.leading_comments {
                    let place = (file.name().to_owned(), location.path.clone());
                    comments.insert(place, comment.clone());
                }
            }
        }
        Contract { pool, comments }
    }

    /// The comment in front of the element, trimmed; empty when there is none.
    pub(crate) fn comment(&self, file: &FileDescriptor, path: &[i32]) -> &str {
        let place = (file.name().to_owned(), path.to_vec());
        self.comments.get(&place).map_or("", |c| c.trim())
    }

    pub(crate) fn field_comment(&self, field: &FieldDescriptor) -> &str {
        self.comment(&field.parent_message().parent_file(), field.path())
    }

    pub(crate) fn method_comment(&self, method: &MethodDescriptor) -> &str {
        self.comment(&method.parent_service().parent_file(), method.path())
    }

    /// Every message of `fettle.*`, without the ones that maps make.
    pub(crate) fn messages(&self) -> impl Iterator<Item = MessageDescriptor> {
        let all = self.pool.all_messages();
        all.filter(|m| ours(m.package_name()) && !m.is_map_entry())
    }

    pub(crate) fn message(&self, name: &str) -> Option<MessageDescriptor> {
        self.pool.get_message_by_name(name)
    }

    pub(crate) fn fields(&self) -> impl Iterator<Item = FieldDescriptor> {
        self.messages().flat_map(|m| m.fields().collect::<Vec<_>>())
    }

    /// Whether the field is marked as speaking of a person.
    pub(crate) fn personal(&self, field: &FieldDescriptor) -> bool {
        let option = self.pool.get_extension_by_name("fettle.type.v1.personal");
        let set = |option| field.options().get_extension(&option).as_bool();
        option.and_then(set) == Some(true)
    }

    pub(crate) fn enums(&self) -> impl Iterator<Item = EnumDescriptor> {
        self.pool.all_enums().filter(|e| ours(e.package_name()))
    }

    pub(crate) fn find_enum(&self, name: &str) -> Option<EnumDescriptor> {
        self.pool.get_enum_by_name(name)
    }

    pub(crate) fn services(&self) -> impl Iterator<Item = ServiceDescriptor> {
        self.pool.services().filter(|s| ours(s.package_name()))
    }

    pub(crate) fn methods(&self) -> impl Iterator<Item = MethodDescriptor> {
        self.services()
            .flat_map(|s| s.methods().collect::<Vec<_>>())
    }

    /// The RPC's HTTP mapping; none when it has no `google.api.http` option.
    pub(crate) fn binding(&self, method: &MethodDescriptor) -> Option<Binding> {
        let option = self.pool.get_extension_by_name("google.api.http").unwrap();
        let options = method.options();
        if !options.has_extension(&option) {
            return None;
        }
        let value = options.get_extension(&option);
        let rule = value.as_message()?;
        let text = |name: &str| match rule.get_field_by_name(name).as_deref() {
            Some(Value::String(text)) => text.clone(),
            _ => String::new(),
        };
        let verbs = [
            ("get", "GET"),
            ("post", "POST"),
            ("patch", "PATCH"),
            ("put", "PUT"),
            ("delete", "DELETE"),
        ];
        let named = verbs
            .into_iter()
            .find(|(field, _)| rule.has_field_by_name(field))?;
        debug_assert_eq!(rule.descriptor().full_name(), "google.api.HttpRule");
        Some(Binding {
            verb: named.1,
            path: text(named.0),
            body: text("body"),
        })
    }
}

/// Whether a package is of this contract and not a restated one.
fn ours(package: &str) -> bool {
    package.starts_with("fettle.")
}

/// `CreateTicket` as its words: `create`, `ticket`.
pub(crate) fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut last = '_';
    for letter in name.chars() {
        let starts = letter.is_ascii_uppercase() && !last.is_ascii_uppercase();
        if letter == '_' {
            last = letter;
            continue;
        }
        if starts || last == '_' {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut() {
            word.push(letter.to_ascii_lowercase());
        }
        last = letter;
    }
    words
}

/// The file that a test wrote.
struct InMemory(String);

impl InMemory {
    const NAME: &'static str = "fettle/tiny/v1/tiny.proto";
}

impl FileResolver for InMemory {
    fn open_file(&self, name: &str) -> Result<File, protox::Error> {
        match name {
            Self::NAME => File::from_source(name, &self.0),
            _ => Err(protox::Error::file_not_found(name)),
        }
    }
}
