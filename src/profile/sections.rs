//! A CV as lines that know their page and section. Must never drop a line's words.

use super::TEXT_CHARS_MAX;

/// Most lines that are looked at: forty pages.
const LINES_MAX: usize = 4_000;

/// What part of a CV a line belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Section {
    /// Before the first heading: name, address, what the person is.
    Head,
    Summary,
    Work,
    Education,
    Skills,
    Languages,
    /// Under a heading that is none of these.
    Other,
}

/// A line of a CV.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Line {
    /// From 1.
    pub page: u32,
    /// Within the page, from 1.
    pub number: u32,
    /// Without spaces around it; never empty.
    pub text: String,
    pub section: Section,
}

const HEADINGS: &[(Section, &[&str])] = &[
    (
        Section::Summary,
        &[
            "summary",
            "professional summary",
            "profile",
            "professional profile",
            "about",
            "about me",
            "objective",
            "про себе",
            "про мене",
            "мета",
            "профіль",
            "резюме кандидата",
        ],
    ),
    (
        Section::Work,
        &[
            "experience",
            "work experience",
            "professional experience",
            "relevant experience",
            "employment",
            "employment history",
            "work history",
            "career",
            "career history",
            "досвід",
            "досвід роботи",
            "професійний досвід",
            "трудовий досвід",
        ],
    ),
    (Section::Education, &["education", "education and training", "academic background", "освіта"]),
    (
        Section::Skills,
        &[
            "skills",
            "technical skills",
            "key skills",
            "core skills",
            "hard skills",
            "technologies",
            "tech stack",
            "technical stack",
            "tools and technologies",
            "навички",
            "технічні навички",
            "ключові навички",
            "технології",
            "професійні навички",
            "уміння",
        ],
    ),
    (Section::Languages, &["languages", "language skills", "мови", "знання мов", "володіння мовами"]),
    (
        Section::Other,
        &[
            "projects",
            "personal projects",
            "certificates",
            "certifications",
            "publications",
            "awards",
            "interests",
            "hobbies",
            "references",
            "courses",
            "volunteering",
            "soft skills",
            "contact",
            "contacts",
            "проєкти",
            "проекти",
            "сертифікати",
            "курси",
            "інтереси",
            "хобі",
            "рекомендації",
            "нагороди",
            "контакти",
            "волонтерство",
        ],
    ),
];

/// The lines of a text whose pages are parted by form feeds.
pub fn lines(text: &str) -> Vec<Line> {
    let mut section = Section::Head;
    let mut lines = Vec::new();
    let end = text.char_indices().nth(TEXT_CHARS_MAX).map_or(text.len(), |(at, _)| at);
    for (page, number, text) in numbered(&text[..end]) {
        let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let text = text.trim();
        if text.is_empty() {
            continue;
        }
        if let Some(heading) = heading(text) {
            section = heading;
            continue;
        }
        lines.push(Line { page, number, text: text.to_owned(), section });
        if lines.len() == LINES_MAX {
            break;
        }
    }
    lines
}

fn numbered(text: &str) -> impl Iterator<Item = (u32, u32, &str)> {
    text.split('\u{c}')
        .zip(1..)
        .flat_map(|(page, number)| page.lines().zip(1..).map(move |(line, within)| (number, within, line)))
}

/// The section that a line opens, if it is a heading: one of the known words, alone on its line.
fn heading(text: &str) -> Option<Section> {
    let bare = text.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
    let bare = bare.replace('&', "and");
    let words: Vec<&str> = bare.split_whitespace().collect();
    let bare = words.join(" ");
    // "E D U C A T I O N" is a heading, too.
    let spaced = words.len() > 3 && words.iter().all(|word| word.chars().count() == 1);
    let bare = if spaced { words.concat() } else { bare };
    HEADINGS.iter().find(|(_, names)| names.iter().any(|name| *name == bare)).map(|(section, _)| *section)
}

/// Whether a line is an item of a list.
pub fn is_bullet(text: &str) -> bool {
    text.starts_with(['•', '·', '‣', '▪', '●', '○', '*', '–', '-', '\u{f0b7}'])
}

/// The text without what marks it as an item.
pub fn unmarked(text: &str) -> &str {
    text.trim_start_matches(['•', '·', '‣', '▪', '●', '○', '*', '–', '-', '\u{f0b7}', ' ']).trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_know_page_number_and_section() {
        let text = "Ada Lovelace\n\nWORK EXPERIENCE:\n  Acme\u{c}E D U C A T I O N\nKyiv\nTechnologies we used\n";
        let lines: Vec<_> =
            lines(text).into_iter().map(|line| (line.page, line.number, line.text, line.section)).collect();
        assert_eq!(
            lines,
            [
                (1, 1, "Ada Lovelace".to_owned(), Section::Head),
                (1, 4, "Acme".to_owned(), Section::Work),
                (2, 2, "Kyiv".to_owned(), Section::Education),
                (2, 3, "Technologies we used".to_owned(), Section::Education),
            ]
        );
    }

    #[test]
    fn a_text_without_end_is_cut() {
        let long = "a\n".repeat(TEXT_CHARS_MAX);
        assert_eq!(lines(&long).len(), LINES_MAX);
        assert_eq!(lines(&"я".repeat(TEXT_CHARS_MAX + 5))[0].text.chars().count(), TEXT_CHARS_MAX);
    }
}
