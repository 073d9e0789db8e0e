//! The last look at a report before it is given out: every quote stands verbatim in what the candidate said or wrote to
//! that question, at the time that it states. Must never repair anything: what cannot be proven is not to be shown.

use super::facts::SessionFacts;
use super::report::{Quote, Report};

/// Ids of the questions with a quote that is not in the record.
#[must_use]
pub fn unproven(report: &Report, facts: &SessionFacts) -> Vec<String> {
    let of_questions = report.questions.iter().flat_map(|question| {
        let points = question.key_points.iter().filter_map(|point| point.quote.as_ref());
        let wrong = question.misconceptions.iter().map(|wrong| &wrong.quote);
        let built = question.structure.iter().filter_map(|result| result.quote.as_ref());
        points.chain(wrong).chain(built).map(|quote| (question.id.as_str(), quote))
    });
    let findings = report.summary.strengths.iter().chain(&report.summary.gaps);
    let of_findings = findings.filter_map(|finding| Some((finding.question_id.as_str(), finding.quote.as_ref()?)));
    let all = of_questions.chain(of_findings);
    all.filter(|(question, quote)| !stands(facts, question, quote)).map(|(question, _)| question.to_owned()).collect()
}

fn stands(facts: &SessionFacts, question: &str, quote: &Quote) -> bool {
    if quote.text.trim().is_empty() {
        return false;
    }
    let (Some(start_ms), Some(end_ms)) = (quote.start_ms, quote.end_ms) else {
        let mut codes = facts.artifacts.iter().filter(|artifact| artifact.question_id == question);
        return codes.any(|artifact| artifact.code.contains(&quote.text));
    };
    let mut turns = facts.turns.iter().filter(|turn| turn.question_key.as_deref() == Some(question));
    turns.any(|turn| {
        let within = turn.start_ms <= start_ms && start_ms <= end_ms && end_ms <= turn.end_ms;
        within && turn.text.contains(&quote.text)
    })
}

#[cfg(test)]
mod tests {
    use super::unproven;
    use crate::scoring::evaluate::tests::{rehearsed, report};

    #[test]
    fn whatever_is_not_in_the_record_is_found() {
        let facts = rehearsed();
        let sound = report(&facts);
        assert_eq!(unproven(&sound, &facts), Vec::<String>::new());
        let of = |report: &crate::scoring::report::Report| {
            let mut at = report.questions.iter().position(|q| q.key_points[0].quote.is_some()).into_iter();
            at.next().expect("a quote")
        };
        let at = of(&sound);
        let id = sound.questions[at].id.clone();
        let spoilt = |change: &dyn Fn(&mut crate::scoring::report::Quote)| {
            let mut report = sound.clone();
            change(report.questions[at].key_points[0].quote.as_mut().expect("a quote"));
            unproven(&report, &facts)
        };
        assert_eq!(spoilt(&|quote| quote.text.push('!')), std::slice::from_ref(&id));
        assert_eq!(spoilt(&|quote| quote.text = String::new()), std::slice::from_ref(&id));
        assert_eq!(spoilt(&|quote| quote.start_ms = Some(0)), std::slice::from_ref(&id));
        assert_eq!(spoilt(&|quote| quote.start_ms = None), std::slice::from_ref(&id));
        assert_eq!(spoilt(&|quote| quote.end_ms = Some(u64::MAX)), [id]);
        let mut moved = sound;
        moved.questions.swap(at, (at + 1) % 3);
        let (a, b) = (moved.questions[at].id.clone(), moved.questions[(at + 1) % 3].id.clone());
        (moved.questions[at].id, moved.questions[(at + 1) % 3].id) = (b, a);
        assert!(!unproven(&moved, &facts).is_empty());
    }
}
