//! What all features may read: which models are there, and what is on screen.

use super::{Editor, Side};
use crate::checkpoint::catalogue::BUNDLED;
use crate::checkpoint::hub::Pinned;
use crate::explain::CheckpointInfo;
use crate::protocol::{Source, Template};
use crate::share::link::Origin;
use crate::share::screen::{Chat, Tab};

/// A model that an engine has loaded.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    /// What it is; its weights' fingerprint names it.
    pub info: CheckpointInfo,
    /// Its chat template's source.
    pub template: Option<String>,
    /// Where it can be found again.
    pub origin: Origin,
}

/// The models, base and tuned, what the user has set, and which tab is on screen.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Facts {
    models: [Option<Model>; 2],
    /// What the next run is asked, and how results are read.
    pub editor: Editor,
    /// What the page is about at the moment.
    pub tab: Tab,
}

impl Facts {
    /// The model of `side`.
    pub fn model(&self, side: Side) -> Option<&Model> {
        self.models[side.index()].as_ref()
    }

    /// `side` has this model now, or none.
    pub fn set(&mut self, side: Side, model: Option<Model>) {
        self.models[side.index()] = model;
    }

    /// The template that `side` uses under `chat`: the tuned model's is the only one there is.
    pub fn template(&self, chat: Chat, side: Side) -> Template {
        let given = || match self.model(Side::Tuned).and_then(|m| m.template.clone()) {
            Some(source) => Template::Given { source },
            None => Template::Own,
        };
        match (chat, side) {
            (Chat::Off, _) | (Chat::TunedOnly, Side::Base) => Template::Off,
            (Chat::TunedOnly | Chat::Both, Side::Tuned) => Template::Own,
            (Chat::Both, Side::Base) => given(),
        }
    }
}

/// The bundled checkpoint of `side`.
pub fn bundled(side: Side) -> Source {
    let file = match side {
        Side::Base => BUNDLED.base,
        Side::Tuned => BUNDLED.tuned,
    };
    Source::Bundled { url: file.url.to_owned() }
}

/// Where others find a checkpoint that came from `source`, the file `file`. What the user chose, or kept earlier, is told
/// by its name, if that says where it is.
pub fn origin(source: Option<&Source>, file: &str) -> Origin {
    match source {
        Some(Source::Bundled { .. }) => Origin::Bundled,
        Some(Source::Url { urls }) => Origin::Urls(urls.clone()),
        Some(Source::Files { .. } | Source::Stored { .. }) | None => by_file(file),
    }
}

/// Where a checkpoint of this name can be found: one that ships with the page, or one file at a commit of the hub's.
pub fn by_file(file: &str) -> Origin {
    let ends = |url: &str| url.rsplit('/').next() == Some(file);
    if Side::BOTH.iter().any(|s| matches!(bundled(*s), Source::Bundled { url } if ends(&url))) {
        return Origin::Bundled;
    }
    let pinned = Pinned::read(file).filter(|p| p.file.to_lowercase().ends_with(".gguf"));
    pinned.and_then(|p| p.url()).map_or(Origin::Elsewhere, |url| Origin::Urls(vec![url]))
}
