//! What the next run has switched off or scaled in the models.

use super::{Facts, Msg, Side, Tracked, editor};
use crate::explain::CheckpointInfo;
use crate::explain::methods::{How, Of, Site, intervention};
use crate::model::ModelError;
use crate::wording::common;

/// What the user wants.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Command {
    /// In the next run, multiply what this part of the models gives: 0 switches it off, 1 leaves it as it is.
    Set {
        /// The layer, from 0.
        layer: usize,
        /// The part.
        site: Site,
        /// Of which model.
        of: Of,
        /// By this.
        factor: f32,
    },
}

/// What is to be said of it; the settings themselves are the editor's.
#[derive(Debug, Clone, Default)]
pub struct Switching {
    /// What was refused last, and why.
    pub refused: Tracked<Option<String>>,
}

impl Switching {
    /// Does what the user wants; gives what follows from it.
    pub fn command(&mut self, command: Command, facts: &Facts) -> Vec<Msg> {
        let Command::Set { layer, site, of, factor } = command;
        let missing = |side: &Side| {
            let info = &facts.model(*side)?.info;
            Some(common::of_model(side.name(), &lacks(info, layer, site)?.to_string()))
        };
        let asked = Side::BOTH.iter().filter(|side| of == Of::Both || of == side.of());
        // what is taken back need not be there
        let refused = if factor == 1.0 { None } else { asked.filter_map(missing).next() };
        if *self.refused != refused {
            *self.refused = refused;
        }
        if self.refused.is_some() {
            return Vec::new();
        }
        let mut how: How = (*facts.editor.how).clone();
        intervention::set(&mut how.interventions, layer, site, of, factor);
        vec![Msg::Edit(editor::Command::How(how))]
    }
}

/// Why a model does not have this part, if it does not. A file or a link does not tell how many heads there are.
fn lacks(info: &CheckpointInfo, layer: usize, site: Site) -> Option<ModelError> {
    let (layers, heads, components) = (info.layers, info.heads, info.width);
    match site {
        _ if layer >= layers => Some(ModelError::NoLayer { layer, layers }),
        Site::Head(head) if heads > 0 && head >= heads => Some(ModelError::NoHead { layer, head, heads }),
        Site::Component(component) if components > 0 && component >= components => {
            Some(ModelError::NoComponent { layer, component, components })
        }
        Site::Head(_) | Site::Component(_) => None,
    }
}
