//! Contrasts: why this token and not another.

use shiftlens::explain::attribution::{Against, Job, Mode, Respond};
use shiftlens::model::head::Target;
use shiftlens::model::{Engine, ModelError};

use super::{Reference, column_matches, floats, run};
use crate::support::families::{FAMILIES, gguf, safetensors};
use crate::support::{Tiny, engine, gpu, on_gpu, singles};

/// Gradient x input of p(y) - p(a), and of the logits' difference, in both modes. Which token stands against the response's is
/// settled before the engine is asked, so each mode has each way once, not with every target.
fn contrast_matches(engine: &mut impl Engine, folder: &str) {
    let reference = Reference::of(folder);
    let expected = reference.methods["contrast"].as_array().unwrap();
    let ids: Vec<u32> = expected.iter().map(|one| one["against"].as_u64().unwrap() as u32).collect();
    let (auto, given) = (|| Against::Auto, || Against::Tokens(ids.clone()));
    for (key, target, mode, against) in [
        ("prob", Target::Prob, Mode::Forward, auto()),
        ("prob", Target::Prob, Mode::Reverse, given()),
        ("logit", Target::Logit, Mode::Forward, given()),
        ("logit", Target::Logit, Mode::Reverse, auto()),
        ("logit", Target::Logprob, Mode::Forward, given()),
        ("logit", Target::Logprob, Mode::Reverse, auto()),
    ] {
        let what = format!("{folder} {target:?} {mode:?} {against:?}");
        let job = Job { against: Some(against), ..reference.job(target, mode) };
        let outcome = run(engine, &job).unwrap();
        assert_eq!(outcome.against, ids, "{what}");
        for (m, one) in expected.iter().enumerate() {
            column_matches(&outcome.importance, m, &floats(&one[key]), &what);
        }
    }
}

#[test]
fn contrasts_match_pytorch_in_every_family() {
    for (folder, architecture) in FAMILIES {
        contrast_matches(&mut engine(&safetensors(folder)), folder);
        contrast_matches(&mut engine(&gguf(folder, architecture, true)), folder);
    }
}

each_family!(contrasts_match_pytorch_on_the_gpu: contrast_matches_on_the_gpu);

fn contrast_matches_on_the_gpu(folder: &str, _: &str) {
    let Some(gpu) = gpu() else { return };
    contrast_matches(&mut on_gpu(gpu, &safetensors(folder)), folder);
}

#[test]
fn a_contrast_is_the_difference_of_two_columns() {
    let mut engine = Tiny { layers: 3, ..Tiny::default() }.engine();
    let prompt = vec![5, 9, 2, 9, 31, 17, 4];
    for (target, mode) in [Target::Prob, Target::Logprob, Target::Logit]
        .into_iter()
        .flat_map(|target| [Mode::Forward, Mode::Reverse].map(|mode| (target, mode)))
    {
        let job = |response: u32, against| Job {
            prompt: prompt.clone(),
            groups: singles(prompt.len()),
            respond: Respond::Forced(vec![response]),
            target,
            against,
            mode,
            alternatives: 0,
        };
        let [a, b] = [7, 8].map(|token| run(&mut engine, &job(token, None)).unwrap().importance);
        let both = run(&mut engine, &job(7, Some(Against::Tokens(vec![8])))).unwrap().importance;
        let largest = a.iter().chain(&b).fold(0f32, |most, cell| most.max(cell[0].abs()));
        for ((a, b), both) in a.iter().zip(&b).zip(&both) {
            let apart = (a[0] - b[0] - both[0]).abs() / largest;
            assert!(apart < 1e-5, "{target:?} {mode:?}: {apart}");
        }
    }
}

/// A response of the model's own is the same with and without a contrast, also where it ends by itself.
#[test]
fn an_own_response_is_set_against_the_strongest_other() {
    let mut engine = Tiny::default().engine();
    let own = |stops: Vec<u32>| Respond::Generate { limit: 6, sampling: Default::default(), stops };
    let job = |respond, against| Job {
        prompt: vec![5, 9, 2, 9],
        groups: singles(4),
        respond,
        target: Target::Prob,
        against,
        mode: Mode::Reverse,
        alternatives: 2,
    };
    let plain = run(&mut engine, &job(own(Vec::new()), None)).unwrap();
    let contrast = run(&mut engine, &job(own(Vec::new()), Some(Against::Auto))).unwrap();
    assert_eq!((&plain.response, plain.against.len()), (&contrast.response, 0));
    // greedy: what came was first, so that the other is second
    let second: Vec<u32> = contrast.choices.iter().map(|choice| choice.top[1].id).collect();
    assert_eq!(contrast.against, second);
    let last = *plain.response.last().unwrap();
    let until = plain.response.iter().position(|id| *id == last).unwrap();
    let ended = run(&mut engine, &job(own(vec![last]), Some(Against::Tokens(vec![3; until])))).unwrap();
    assert_eq!((ended.response.len(), ended.against), (until, vec![3; until]));
}

#[test]
fn contrasts_that_do_not_fit_are_refused() {
    let mut engine = Tiny::default().engine();
    let reference = |ids: Vec<u32>, respond| Job {
        prompt: vec![5, 9, 2],
        groups: singles(3),
        respond,
        target: Target::Prob,
        against: Some(Against::Tokens(ids)),
        mode: Mode::Forward,
        alternatives: 0,
    };
    let forced = || Respond::Forced(vec![4, 5]);
    let own = |limit| Respond::Generate { limit, sampling: Default::default(), stops: Vec::new() };
    for (ids, respond, tokens) in [(vec![1], forced(), 2), (vec![1; 3], forced(), 2), (vec![1; 3], own(2), 2)] {
        let count = ids.len();
        let refused = run(&mut engine, &reference(ids, respond)).unwrap_err();
        assert_eq!(refused, ModelError::OtherCount { ids: count, tokens });
    }
    assert!(matches!(run(&mut engine, &reference(vec![1], own(2))), Err(ModelError::OtherCount { .. })));
    let unknown = run(&mut engine, &reference(vec![1, 1 << 20], forced())).unwrap_err();
    assert!(matches!(unknown, ModelError::UnknownToken { id, .. } if id == 1 << 20));
}
