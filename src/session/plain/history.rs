//! What was said on both sides, as the model is told it. Pure. Must never hold what was not heard.

use super::PlainSettings;
use crate::llm::{CompletionRequest, LLM_PROMPT_CHARS_MAX, Message, Role};
use std::collections::VecDeque;
use tokio_util::sync::CancellationToken;

/// The messages of a conversation, the latest of them.
#[derive(Debug, Default)]
pub struct History {
    messages: VecDeque<Message>,
}

impl History {
    /// Two messages of one side in a row are one: not every model takes two.
    pub fn remember(&mut self, role: Role, text: &str, messages_max: usize) {
        match self.messages.back_mut().filter(|last| last.role == role) {
            Some(last) => {
                last.text.push(' ');
                last.text.push_str(text);
            }
            None => self.messages.push_back(Message { role, text: text.to_owned() }),
        }
        let excess = self.messages.len().saturating_sub(messages_max);
        self.messages.drain(..excess);
    }

    /// What the model is asked, with as much of the conversation as it takes.
    pub fn request(&self, settings: &PlainSettings) -> CompletionRequest {
        let system = Message { role: Role::System, text: settings.system_prompt.clone() };
        let mut chars_left = LLM_PROMPT_CHARS_MAX.saturating_sub(system.text.chars().count());
        let mut messages: Vec<Message> = Vec::new();
        for message in self.messages.iter().rev() {
            let chars = message.text.chars().count();
            if chars > chars_left {
                break;
            }
            chars_left -= chars;
            messages.push(message.clone());
        }
        messages.push(system);
        messages.reverse();
        CompletionRequest {
            messages,
            tokens_max: settings.tokens_max,
            temperature: settings.temperature,
            cancel: CancellationToken::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_side_in_a_row_is_one_message_and_the_oldest_go() {
        let mut history = History::default();
        for (role, text) in [(Role::User, "a"), (Role::User, "b"), (Role::Assistant, "c"), (Role::User, "d")] {
            history.remember(role, text, 2);
        }
        let texts: Vec<&str> = history.messages.iter().map(|message| message.text.as_str()).collect();
        assert_eq!(texts, ["c", "d"]);
    }
}
