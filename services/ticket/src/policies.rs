//! Policy files: compiled in, or read from a folder at start.

use std::path::Path;

use chassis::service::BuildError;
use include_dir::{Dir, include_dir};

use crate::domain::policy::{Policies, PolicyErrors};

static SHIPPED: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/../../policies");

/// The policies this process computes with. Everything that is wrong is told at once.
pub fn load(folder: &str) -> Result<Policies, BuildError> {
    let (sla, calendars, intake) = if folder.is_empty() {
        (shipped("sla"), shipped("calendars"), shipped("intake"))
    } else {
        let root = Path::new(folder);
        (
            read(&root.join("sla"))?,
            read(&root.join("calendars"))?,
            read(&root.join("intake"))?,
        )
    };
    let intake = intake.into_iter().find(|(file, _)| file == "default.yaml");
    let (_, intake) = intake.ok_or("policies: intake/default.yaml is missing")?;
    Ok(parse(&sla, &calendars, &intake)?)
}

type Files = Vec<(String, String)>;

fn parse(sla: &Files, calendars: &Files, intake: &str) -> Result<Policies, PolicyErrors> {
    Policies::load(
        sla.iter()
            .map(|(file, text)| (file.as_str(), text.as_str())),
        calendars
            .iter()
            .map(|(file, text)| (file.as_str(), text.as_str())),
        intake,
    )
}

fn shipped(folder: &str) -> Files {
    let files = SHIPPED.get_dir(folder).into_iter().flat_map(Dir::files);
    let mut texts: Files = files
        .filter(|file| file.path().extension().is_some_and(|end| end == "yaml"))
        .filter_map(|file| {
            let name = file.path().file_name()?.to_str()?;
            Some((name.to_owned(), file.contents_utf8()?.to_owned()))
        })
        .collect();
    texts.sort();
    texts
}

fn read(folder: &Path) -> Result<Files, BuildError> {
    let mut texts = Files::new();
    let entries = std::fs::read_dir(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|end| end == "yaml") {
            let text = std::fs::read_to_string(&path);
            let text = text.map_err(|e| format!("{}: {e}", path.display()))?;
            let name = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            texts.push((name, text));
        }
    }
    texts.sort();
    Ok(texts)
}
