//! What two runs were asked differently, and what of them cannot be held against each other.

use crate::checkpoint::conversation::{explained_turns, messages};
use crate::explain::attribution::Against;
use crate::explain::methods::Of;
use crate::explain::{By, ModelReport};
use crate::page::Side;
use crate::page::runs::Round;
use crate::share::RunSpec;
use crate::share::screen::{Chat, Whose};
use crate::wording::{attribution, common, history as wording, switching};

/// Something that differs, as each of the two has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Differing {
    /// What.
    pub what: &'static str,
    /// How the first has it, and how the second.
    pub values: [String; 2],
}

/// What differs between what two runs were asked, and between the models that were asked.
pub fn differing(a: &Round, b: &Round) -> Vec<Differing> {
    let mut all = Vec::new();
    let mut add = |what: &'static str, values: [String; 2]| {
        if values[0] != values[1] {
            all.push(Differing { what, values });
        }
    };
    let of = |say: &dyn Fn(&RunSpec) -> String| [a, b].map(|round| say(&round.spec));
    add(wording::PROMPT, of(&|s| s.prompt.clone()));
    add(wording::TURNS, of(&turns));
    add(wording::INSTRUCTION, of(&|s| s.mark().and_then(|mark| s.prompt.get(mark)).unwrap_or_default().to_owned()));
    add(wording::UNITS, of(&spans));
    add(wording::TEMPLATE_ROW, of(&|s| wording::yes(s.template_row).to_owned()));
    add(wording::GRANULARITY, of(&|s| by(s.by).to_owned()));
    add(wording::WHOSE, of(&whose));
    add(wording::CHAT, of(&|s| chat(s.options.chat).to_owned()));
    add(wording::TARGET, of(&|s| s.options.target.words().to_owned()));
    add(wording::METHOD, of(&|s| s.how.method.words().to_owned()));
    add(wording::BASELINE, of(&|s| if s.how.method.has_baseline() { s.how.baseline.words() } else { String::new() }));
    add(wording::STEPS, of(&|s| s.how.steps.map_or_else(String::new, |n| n.to_string())));
    add(wording::AGAINST, of(&against));
    add(wording::SWITCHED, of(&switched));
    add(wording::MODE, of(&|s| s.options.mode.name().to_owned()));
    add(wording::LIMIT, of(&|s| s.options.limit.to_string()));
    add(wording::SAMPLING, of(&sampling));
    for side in Side::BOTH {
        add(wording::model(side == Side::Base), [a, b].map(|round| model(round.half(side).report.as_ref())));
    }
    all
}

fn turns(spec: &RunSpec) -> String {
    // the words of turns that are not explained are a part of what was asked
    let all = messages(&spec.prompt, &spec.turns).unwrap_or_default();
    let said: Vec<String> = all.iter().map(|m| format!("{}: {}", m.speaker.name(), m.text)).collect();
    match explained_turns(&spec.turns) {
        Some(explained) => format!("{} {explained}", said.join(" / ")),
        None => String::new(),
    }
}

fn spans(spec: &RunSpec) -> String {
    let parts = spec.spans.iter().filter_map(|span| spec.prompt.get(span.clone()));
    parts.map(|part| format!("“{part}”")).collect::<Vec<_>>().join(", ")
}

fn by(by: By) -> &'static str {
    match by {
        By::Token => attribution::BY_TOKEN,
        By::Word => attribution::BY_WORD,
        By::Sentence => attribution::BY_SENTENCE,
    }
}

fn whose(spec: &RunSpec) -> String {
    match spec.options.whose {
        Whose::Own => wording::WHOSE_OWN.to_owned(),
        Whose::Tuned => wording::WHOSE_TUNED.to_owned(),
        Whose::Base => wording::WHOSE_BASE.to_owned(),
        Whose::Typed => format!("“{}”", spec.options.typed),
    }
}

fn chat(chat: Chat) -> &'static str {
    match chat {
        Chat::Off => wording::CHAT_OFF,
        Chat::TunedOnly => wording::CHAT_TUNED,
        Chat::Both => wording::CHAT_BOTH,
    }
}

fn against(spec: &RunSpec) -> String {
    match &spec.how.against {
        None => String::new(),
        Some(Against::Auto) => wording::AGAINST_STRONGEST.to_owned(),
        Some(Against::Tokens(ids)) => wording::against_tokens(&ids.iter().map(u32::to_string).collect::<Vec<_>>()),
    }
}

/// What was switched off or scaled, and in which model.
fn switched(spec: &RunSpec) -> String {
    let whose = |of: Of| match of {
        Of::Both => common::BOTH,
        Of::Base => common::BASE,
        Of::Tuned => common::TUNED,
    };
    let all = spec.how.interventions.iter();
    all.map(|one| switching::chip(whose(one.of), &one.words())).collect::<Vec<_>>().join(", ")
}

fn sampling(spec: &RunSpec) -> String {
    let s = &spec.options.sampling;
    wording::sampling(&wording::Sampled {
        temperature: s.temperature,
        top_k: s.top_k,
        top_p: s.top_p,
        repeat_penalty: s.repeat_penalty,
        seed: s.seed,
    })
}

fn model(report: Option<&ModelReport>) -> String {
    report.map_or_else(String::new, |report| {
        let c = &report.checkpoint;
        wording::checkpoint(&c.name, &c.quantization, c.weights.get(..8).unwrap_or(&c.weights))
    })
}

/// Why one model's two results cannot be held against each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// The run of this number has none.
    Missing(usize),
    /// They measure different things: no scale is common to both.
    Units,
    /// The responses are of other tokens: one's probabilities are not the other's.
    Responses,
}

/// What of the results of `side` cannot be compared; the runs are told apart by their place, 0 and 1.
pub fn refused(a: &Round, b: &Round, side: Side) -> Vec<Refused> {
    let reports = [a, b].map(|round| round.half(side).report.as_ref());
    let [Some(first), Some(second)] = reports else {
        return (0..2).filter(|at| reports[*at].is_none()).map(Refused::Missing).collect();
    };
    let texts = |report: &ModelReport| report.response.iter().map(|t| t.text.clone()).collect::<Vec<_>>();
    let checks = [
        (first.what() != second.what()).then_some(Refused::Units),
        (texts(first) != texts(second)).then_some(Refused::Responses),
    ];
    checks.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explain::attribution::Sampling;
    use crate::explain::methods::{How, Intervention, Method, Site};
    use crate::page::runs::Half;
    use crate::page::tests::report_of;
    use crate::share::link::Origin;
    use crate::share::screen::Options;

    fn round(spec: RunSpec, report: Option<ModelReport>) -> Round {
        let half = report.map(|report| Half::of(report, Origin::Elsewhere));
        Round::of(spec, Default::default(), [None, half], Default::default())
    }

    fn names(a: &Round, b: &Round) -> Vec<&'static str> {
        differing(a, b).into_iter().map(|d| d.what).collect()
    }

    #[test]
    fn every_setting_that_differs_is_named() {
        let spec = RunSpec { prompt: "Say one. Now.".into(), ..RunSpec::default() };
        let plain = round(spec.clone(), Some(report_of("a")));
        assert!(differing(&plain, &plain.afresh()).is_empty());
        let other = RunSpec { prompt: "Say two. Now.".into(), ..spec.clone() };
        let found = differing(&plain, &round(other, Some(report_of("a"))));
        assert_eq!(
            found[0],
            Differing { what: wording::PROMPT, values: ["Say one. Now.".into(), "Say two. Now.".into()] }
        );
        assert_eq!(found.len(), 1, "the instruction in it is found anew");
        let sampling = Sampling { temperature: 0.5, ..Sampling::default() };
        let options = Options { sampling, whose: Whose::Typed, limit: 3, ..Options::default() };
        let off = Intervention { layer: 2, site: Site::Head(3), factor: 0.0, of: Of::Base };
        let how =
            How { method: Method::Occlusion, against: Some(Against::Auto), interventions: vec![off], ..How::default() };
        let set = RunSpec {
            options,
            how,
            marked: Some(9..13),
            spans: std::iter::once(0..7).collect(),
            template_row: true,
            ..spec.clone()
        };
        use wording::*;
        let all = [INSTRUCTION, UNITS, TEMPLATE_ROW, WHOSE, METHOD, BASELINE, AGAINST, SWITCHED, LIMIT, SAMPLING];
        assert_eq!(names(&plain, &round(set, Some(report_of("a")))), all);
        let mut later = report_of("a");
        later.checkpoint.weights = "another".into();
        assert_eq!(names(&plain, &round(spec, Some(later))), [wording::model(false)]);
    }

    #[test]
    fn what_cannot_be_compared_is_refused() {
        let of = |report: Option<ModelReport>| round(RunSpec::default(), report);
        let (a, none) = (of(Some(report_of("a"))), of(None));
        assert_eq!(refused(&a, &a, Side::Tuned), []);
        assert_eq!(refused(&a, &none, Side::Tuned), [Refused::Missing(1)]);
        assert_eq!(refused(&none, &none, Side::Tuned), [Refused::Missing(0), Refused::Missing(1)]);
        let other = ModelReport { method: Method::Occlusion, response: Vec::new(), ..report_of("a") };
        assert_eq!(refused(&a, &of(Some(other)), Side::Tuned), [Refused::Units, Refused::Responses]);
    }
}
