//! What the candidate's page sends: buttons, typed text, code. Must never decide what a wish does; that is the cores'.

use super::actor::Actor;
use super::ears::EarCommand;
use super::event::SessionEvent;
use crate::interview::{self, Wish};
use crate::room::{Button, ClientSignal};
use crate::turn;

/// Changes of the page's visibility that are logged: past it, more says nothing new.
const FOCUS_MAX: u32 = 500;

impl Actor {
    pub(super) fn signal(&mut self, signal: ClientSignal) {
        match signal {
            ClientSignal::Ready => self.show_everything(),
            ClientSignal::Button(button) => self.button(button),
            ClientSignal::Text(text) => self.typed(&text),
            ClientSignal::Typing => self.turn_event(turn::Event::Typing),
            ClientSignal::Code { question_id, language, content, submitted, message } => {
                self.turn_event(turn::Event::Typing);
                let kept = self.code(question_id, language, content, submitted);
                self.answer_code(message, kept);
            }
            ClientSignal::Playout { buffered_ms } => self.client_buffer_ms = buffered_ms.min(1_000),
            ClientSignal::Focus { visible } => {
                self.focus_told += 1;
                if self.focus_told <= FOCUS_MAX {
                    self.log(SessionEvent::Focus { visible });
                }
            }
        }
    }

    fn button(&mut self, button: Button) {
        let wish = match button {
            Button::Done => {
                self.ear(EarCommand::Finish);
                self.turn_event(turn::Event::Finished);
                return;
            }
            Button::Moment => {
                self.turn_event(turn::Event::Moment);
                Wish::Moment
            }
            Button::Repeat => Wish::Repeat,
            Button::Rephrase => Wish::Rephrase,
            Button::Slower => Wish::Slower,
            Button::Skip => Wish::Skip,
            Button::Pause => Wish::Pause,
            Button::Resume => Wish::Resume,
            Button::End => Wish::End,
        };
        match button {
            Button::Skip | Button::Repeat | Button::Rephrase | Button::Slower | Button::Pause | Button::End => {
                self.overrule()
            }
            Button::Resume | Button::Done => self.turn_event(turn::Event::Active),
            Button::Moment => {}
        }
        self.log(SessionEvent::WishHeard { wish, by_phrase: false });
        self.interview_event(interview::Event::Wish(wish));
    }
}
