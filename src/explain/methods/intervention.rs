//! Heads and concepts that are switched off, or scaled, for one run (docs/method.md).

use serde::{Deserialize, Serialize};

use crate::explain::ResponseToken;

/// The largest factor, either sign, that can be asked for.
pub const MOST_FACTOR: f32 = 100.0;
/// Most interventions that a file or a link may ask for.
const MOST: usize = 256;

/// Where in a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Site {
    /// A head of attention, from 0.
    Head(usize),
    /// A principal component of the feed-forward block, from 0: a concept, see [`crate::explain::weights::concepts`].
    Component(usize),
}

/// In which of the two models.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Of {
    /// In both.
    #[default]
    Both,
    /// In the base model.
    Base,
    /// In the tuned model.
    Tuned,
}

/// A part of a model whose output is multiplied for one run.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Intervention {
    /// The layer, from 0.
    pub layer: usize,
    /// Which part of it.
    #[serde(flatten)]
    pub site: Site,
    /// By how much: 0 switches it off, 1 changes nothing.
    pub factor: f32,
    /// In which model. A run of one model does not ask.
    #[serde(default, skip_serializing_if = "super::is_default")]
    pub of: Of,
}

impl Intervention {
    /// In the words of a caption: "head 3 of layer 2 off".
    pub fn words(&self) -> String {
        let (Site::Head(number) | Site::Component(number)) = self.site;
        let kind = if matches!(self.site, Site::Head(_)) { "head" } else { "concept" };
        let place = format!("{kind} {number} of layer {}", self.layer);
        if self.factor == 0.0 {
            return format!("{place} off");
        }
        format!("{place} times {}", self.factor.to_string().replace('-', "−"))
    }

    /// Whether it is asked of the model that `of` names.
    fn is_of(&self, of: Of) -> bool {
        self.of == Of::Both || of == Of::Both || self.of == of
    }
}

/// All of them in the words of a caption: "head 3 of layer 2 off and concept 5 of layer 1 times 2". Empty for none.
pub fn words(all: &[Intervention]) -> String {
    let each: Vec<String> = all.iter().map(Intervention::words).collect();
    match each.split_last() {
        Some((last, before)) if !before.is_empty() => format!("{} and {last}", before.join(", ")),
        _ => each.concat(),
    }
}

/// Those that are asked of the model that `of` names, as a run of that model has them.
pub fn of_model(all: &[Intervention], of: Of) -> Vec<Intervention> {
    all.iter().filter(|one| one.is_of(of)).map(|one| Intervention { of: Of::Both, ..*one }).collect()
}

/// What `site` of `layer` is multiplied by in the model that `of` names: 1 where nothing is asked.
pub fn factor(all: &[Intervention], layer: usize, site: Site, of: Of) -> f32 {
    let is_it = |one: &&Intervention| (one.layer, one.site) == (layer, site) && one.is_of(of);
    all.iter().filter(is_it).map(|one| one.factor).product()
}

/// Has `site` of `layer` multiplied by `factor` in the model that `of` names, or in both. What was asked of it before goes.
pub fn set(all: &mut Vec<Intervention>, layer: usize, site: Site, of: Of, by: f32) {
    let [base, tuned] = [Of::Base, Of::Tuned].map(|one| match of {
        of if of == one || of == Of::Both => by,
        _ => factor(all, layer, site, one),
    });
    let at = all.iter().position(|one| (one.layer, one.site) == (layer, site)).unwrap_or(all.len());
    all.retain(|one| (one.layer, one.site) != (layer, site));
    let wanted = match base == tuned {
        true => vec![(Of::Both, base)],
        false => vec![(Of::Base, base), (Of::Tuned, tuned)],
    };
    let new = wanted.into_iter().filter(|(_, factor)| *factor != 1.0);
    all.splice(at..at, new.map(|(of, factor)| Intervention { layer, site, factor, of }));
}

/// Within bounds, where they come from a file or a link.
pub fn sound(mut all: Vec<Intervention>) -> Vec<Intervention> {
    all.retain(|one| one.factor.is_finite());
    all.truncate(MOST);
    all.iter_mut().for_each(|one| one.factor = one.factor.clamp(-MOST_FACTOR, MOST_FACTOR));
    all
}

/// A response beside the one that the model gives as it is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Compared {
    /// They part at this token, counted from 0: one of them may end there.
    Parts(usize),
    /// They are the same. Their mean log-probability for each token, nats: without the interventions, and with them.
    Same([f64; 2]),
}

impl Compared {
    /// Of a response `with` interventions and the one `without`.
    pub fn of(without: &[ResponseToken], with: &[ResponseToken]) -> Self {
        let text = |t: &ResponseToken| (t.text.clone(), t.bytes.clone());
        let alike = without.iter().zip(with).take_while(|(a, b)| text(a) == text(b)).count();
        if alike < without.len().max(with.len()) {
            return Self::Parts(alike);
        }
        let mean = |all: &[ResponseToken]| {
            let sum: f64 = all.iter().map(|t| f64::from(t.probability.max(f32::MIN_POSITIVE)).ln()).sum();
            sum / all.len().max(1) as f64
        };
        Self::Same([mean(without), mean(with)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_model_is_asked_its_own() {
        let mut all = Vec::new();
        set(&mut all, 2, Site::Head(3), Of::Both, 0.0);
        set(&mut all, 1, Site::Component(5), Of::Tuned, 2.0);
        assert_eq!(words(&all), "head 3 of layer 2 off and concept 5 of layer 1 times 2");
        assert_eq!(words(&of_model(&all, Of::Base)), "head 3 of layer 2 off");
        assert_eq!(factor(&all, 1, Site::Component(5), Of::Tuned), 2.0);
        assert_eq!(factor(&all, 1, Site::Component(5), Of::Base), 1.0);
        // on again in one of them, then in the other
        set(&mut all, 2, Site::Head(3), Of::Base, 1.0);
        assert_eq!(all[0], Intervention { layer: 2, site: Site::Head(3), factor: 0.0, of: Of::Tuned });
        set(&mut all, 2, Site::Head(3), Of::Base, 0.0);
        assert_eq!((all[0].of, all.len()), (Of::Both, 2));
        set(&mut all, 2, Site::Head(3), Of::Both, 1.0);
        assert_eq!(words(&all), "concept 5 of layer 1 times 2");
    }

    #[test]
    fn it_is_plain_in_a_file() {
        let one = Intervention { layer: 2, site: Site::Head(3), factor: 0.0, of: Of::Tuned };
        let json = serde_json::to_string(&one).unwrap();
        assert_eq!(json, r#"{"layer":2,"head":3,"factor":0.0,"of":"tuned"}"#);
        assert_eq!(serde_json::from_str::<Intervention>(&json).unwrap(), one);
        let both: Intervention = serde_json::from_str(r#"{"layer":1,"component":5,"factor":-1}"#).unwrap();
        assert_eq!((both.site, both.of), (Site::Component(5), Of::Both));
        let wild = Intervention { factor: 1e9, ..one };
        assert_eq!(
            sound(vec![wild, Intervention { factor: f32::NAN, ..one }]),
            [Intervention { factor: 100.0, ..one }]
        );
    }

    #[test]
    fn two_answers_part_where_they_differ() {
        let token = |text: &str, probability: f32| ResponseToken {
            id: 0,
            text: text.into(),
            bytes: None,
            probability,
            rank: 1,
            entropy: 0.0,
            top: Vec::new(),
            top_text: Vec::new(),
        };
        let (a, b, c) = (token("a", 1.0), token("b", 0.5), token("c", 1.0));
        let parts = |x: &[ResponseToken], y: &[ResponseToken]| Compared::of(x, y);
        assert_eq!(parts(&[a.clone(), b.clone()], &[a.clone(), c.clone()]), Compared::Parts(1));
        assert_eq!(parts(std::slice::from_ref(&a), &[a.clone(), c.clone()]), Compared::Parts(1));
        let Compared::Same([without, with]) = parts(&[a.clone(), b.clone()], &[a.clone(), b]) else { panic!("alike") };
        assert_eq!((without, with), (0.5f64.ln() / 2.0, 0.5f64.ln() / 2.0));
    }
}
