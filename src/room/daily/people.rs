//! Who is in the room, and what they are to the interview: the candidate is known by the user id of the token, also after
//! leaving and coming again under a new participant id; other people listen; other bots do not count. Pure.

use super::wire::Person;
use std::collections::BTreeMap;

/// User ids that begin so are bots'. Our own is one.
pub const BOT_PREFIX: &str = "bot-";

/// What a participant is to the interview.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    Candidate,
    /// Listens; is never answered as the candidate.
    Observer,
    Bot,
}

/// What follows from a change.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Change {
    /// Have this participant's sound come under this tag.
    Hear {
        id: String,
        tag: u32,
    },
    CandidateCame,
    CandidateLeft,
}

/// The participants but ourselves.
#[derive(Debug)]
pub struct People {
    candidate: String,
    hears_observers: bool,
    present: BTreeMap<String, (Person, u32)>,
    /// The candidate's participant that counts: the latest.
    current: Option<String>,
    next_tag: u32,
}

impl People {
    /// Nobody yet; `candidate` is the user id of the candidate's token.
    pub fn new(candidate: &str, hears_observers: bool) -> Self {
        Self { candidate: candidate.to_owned(), hears_observers, present: BTreeMap::new(), current: None, next_tag: 1 }
    }

    /// What somebody is.
    pub fn role(&self, person: &Person) -> Role {
        match person.user_id.as_deref() {
            Some(user) if user == self.candidate => Role::Candidate,
            Some(user) if user.starts_with(BOT_PREFIX) => Role::Bot,
            Some(_) | None => Role::Observer,
        }
    }

    /// Somebody came, or changed.
    pub fn present(&mut self, mut person: Person) -> Vec<Change> {
        let id = person.id.clone();
        if let Some((known, _)) = self.present.get(&id) {
            // What tells of something else (a microphone) may leave it out.
            person.user_id = person.user_id.or_else(|| known.user_id.clone());
        }
        let role = self.role(&person);
        if let Some((known, _)) = self.present.get_mut(&id) {
            let was = known.user_id.clone();
            *known = person;
            // A user id may be told only after the participant.
            if was == known.user_id {
                return Vec::new();
            }
        } else {
            self.present.insert(id.clone(), (person, self.next_tag));
            self.next_tag += 1;
        }
        let tag = self.present[&id].1;
        match role {
            Role::Candidate => {
                let was_there = self.current.replace(id.clone()).is_some();
                let came = (!was_there).then_some(Change::CandidateCame);
                [Change::Hear { id, tag }].into_iter().chain(came).collect()
            }
            Role::Observer if self.hears_observers => vec![Change::Hear { id, tag }],
            Role::Observer | Role::Bot => Vec::new(),
        }
    }

    /// Somebody left.
    pub fn absent(&mut self, id: &str) -> Vec<Change> {
        self.present.remove(id);
        if self.current.as_deref() != Some(id) {
            return Vec::new();
        }
        // The candidate may be there twice, in two tabs: then the other one counts.
        let other = self.present.values().find(|(person, _)| self.role(person) == Role::Candidate);
        self.current = other.map(|(person, _)| person.id.clone());
        if self.current.is_some() { Vec::new() } else { vec![Change::CandidateLeft] }
    }

    /// Our call is gone, and with it what it knew of the others.
    pub fn forget(&mut self) {
        self.present.clear();
        self.current = None;
    }

    /// The candidate's participant.
    pub fn candidate(&self) -> Option<&str> {
        self.current.as_deref()
    }

    /// Whose sound comes under `tag`.
    pub fn by_tag(&self, tag: u32) -> Option<(&Person, Role)> {
        let (person, _) = self.present.values().find(|(_, of)| *of == tag)?;
        let is_current = self.current.as_deref() == Some(&person.id);
        let role = self.role(person);
        (role != Role::Candidate || is_current).then_some((person, role))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(id: &str, user: Option<&str>) -> Person {
        Person { id: id.into(), user_id: user.map(Into::into), name: String::new(), is_owner: false }
    }

    #[test]
    fn the_candidate_is_known_by_user_id_also_when_coming_again() {
        let mut people = People::new("ada", false);
        let hear = |id: &str, tag| Change::Hear { id: id.into(), tag };
        assert_eq!(people.present(person("p1", None)), [], "an observer is not heard unless it is wished");
        assert_eq!(people.present(person("p1", Some("ada"))), [hear("p1", 1), Change::CandidateCame]);
        assert_eq!(people.present(person("p1", Some("ada"))), [], "an update changes nothing");
        assert_eq!(people.present(person("p1", None)), [], "nor does one that tells less");
        assert_eq!(people.by_tag(1).map(|(_, role)| role), Some(Role::Candidate));
        // A second tab takes over; when it is closed, the first one counts again.
        assert_eq!(people.present(person("p2", Some("ada"))), [hear("p2", 2)]);
        assert!(people.by_tag(1).is_none() && people.by_tag(2).is_some());
        assert_eq!(people.absent("p2"), []);
        assert_eq!(people.candidate(), Some("p1"));
        assert_eq!(people.absent("p1"), [Change::CandidateLeft]);
        assert_eq!(people.present(person("p3", Some("ada"))), [hear("p3", 3), Change::CandidateCame]);
    }

    #[test]
    fn observers_and_bots_are_never_the_candidate() {
        let mut people = People::new("ada", true);
        assert_eq!(people.present(person("o", Some("recruiter"))), [Change::Hear { id: "o".into(), tag: 1 }]);
        assert_eq!(people.present(person("b", Some("bot-notes"))), []);
        assert_eq!(people.by_tag(1).map(|(_, role)| role), Some(Role::Observer));
        assert_eq!(people.candidate(), None);
        assert_eq!(people.absent("o"), []);
        people.forget();
        assert!(people.by_tag(2).is_none());
    }
}
