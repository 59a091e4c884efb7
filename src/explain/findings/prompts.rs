//! A set of prompts, as a file brings it.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::explain::find_instruction;

/// The most prompts of a set.
const MOST: usize = 2_000;

/// One prompt of a set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PromptCase {
    /// The prompt.
    pub prompt: String,
    /// The part of it that is the instruction; found automatically if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instruction: Option<String>,
    /// The response that both models explain; the tuned model's own if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response: Option<String>,
}

impl PromptCase {
    /// The instruction, bytes of the prompt.
    pub fn span(&self) -> std::ops::Range<usize> {
        let given = self.instruction.as_ref().and_then(|i| self.prompt.find(i.as_str()).map(|at| at..at + i.len()));
        given.unwrap_or_else(|| find_instruction(&self.prompt))
    }
}

/// Why a set was refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PromptSetError {
    /// A line of JSON that is no prompt.
    #[error(
        "Line {line} is not a prompt: {why}. Each line should be {{\"prompt\": …, \"instruction\": …, \"response\": …}}; the last two may be left out."
    )]
    Json {
        /// From 1.
        line: usize,
        /// The reader's words.
        why: String,
    },
    /// An instruction that is not in its prompt.
    #[error("Line {line}: the instruction “{instruction}” is not a part of its prompt.")]
    Instruction {
        /// From 1.
        line: usize,
        /// What was given.
        instruction: String,
    },
    /// Nothing in it.
    #[error(
        "The file holds no prompts. Each line should be a prompt, and after tabs its instruction and a response if you like, or a JSON object."
    )]
    Empty,
    /// Too many.
    #[error("The file holds {found} prompts; at most {MOST} are taken at once.")]
    TooMany {
        /// How many.
        found: usize,
    },
}

/// Reads JSON lines (`{"prompt", "instruction"?, "response"?}`), or lines of prompt, instruction and response with tabs
/// between, the last two optional. A first line `prompt<tab>instruction…` is a header.
pub fn parse_prompts(text: &str) -> Result<Vec<PromptCase>, PromptSetError> {
    let lines = text.lines().enumerate().map(|(i, l)| (i + 1, l.trim())).filter(|(_, l)| !l.is_empty());
    let mut cases = Vec::new();
    for (line, text) in lines {
        let case = match text.starts_with('{') {
            true => serde_json::from_str(text).map_err(|e| PromptSetError::Json { line, why: e.to_string() })?,
            false => match tabbed(text) {
                case if line == 1 && case.prompt.eq_ignore_ascii_case("prompt") => continue,
                case => case,
            },
        };
        if let Some(instruction) = case.instruction.clone().filter(|i| !case.prompt.contains(i.as_str())) {
            return Err(PromptSetError::Instruction { line, instruction });
        }
        cases.push(case);
    }
    match cases.len() {
        0 => Err(PromptSetError::Empty),
        found if found > MOST => Err(PromptSetError::TooMany { found }),
        _ => Ok(cases),
    }
}

fn tabbed(line: &str) -> PromptCase {
    let mut fields = line.split('\t').map(str::trim);
    let prompt = fields.next().unwrap_or_default().to_owned();
    let mut next = || fields.next().filter(|f| !f.is_empty()).map(str::to_owned);
    PromptCase { prompt, instruction: next(), response: next() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_kinds_of_line_are_read() {
        let text = "prompt\tinstruction\tresponse\nList three birds.\n\nSay hello: to Anna\tSay hello\thello Anna\n{\"prompt\": \"What is a fox?\", \"response\": \"A mammal.\"}";
        let cases = parse_prompts(text).unwrap();
        assert_eq!(cases.len(), 3);
        assert_eq!((cases[0].instruction.as_ref(), cases[1].span()), (None, 0..9));
        assert_eq!(cases[2].response.as_deref(), Some("A mammal."));
    }

    #[test]
    fn what_is_no_set_is_refused_in_words() {
        assert_eq!(parse_prompts("\n \n"), Err(PromptSetError::Empty));
        assert!(matches!(parse_prompts("{\"text\": 1}"), Err(PromptSetError::Json { line: 1, .. })));
        assert!(matches!(parse_prompts("A cow.\tlist"), Err(PromptSetError::Instruction { line: 1, .. })));
        let many = "x\n".repeat(MOST + 1);
        assert_eq!(parse_prompts(&many), Err(PromptSetError::TooMany { found: MOST + 1 }));
    }
}
