//! Which technologies a CV names. Only known ones, by their usual names; what is listed under skills comes first. Must
//! never find a name inside another word.

use super::sections::{Line, Section};

/// Technologies proposed at most.
const TECHNOLOGIES_MAX: usize = 20;
/// A mention under skills counts as so many.
const SKILL_WEIGHT: u32 = 5;

/// How each is called, and how it may be written (in small letters).
const KNOWN: &[(&str, &[&str])] = &[
    ("Python", &["python"]),
    ("Java", &["java"]),
    ("Kotlin", &["kotlin"]),
    ("Scala", &["scala"]),
    ("Go", &["golang", "go"]),
    ("Rust", &["rust"]),
    ("C", &["c"]),
    ("C++", &["c++", "cpp"]),
    ("C#", &["c#"]),
    (".NET", &[".net", "asp.net", "dotnet"]),
    ("JavaScript", &["javascript", "js"]),
    ("TypeScript", &["typescript"]),
    ("Node.js", &["node.js", "nodejs"]),
    ("PHP", &["php"]),
    ("Laravel", &["laravel"]),
    ("Symfony", &["symfony"]),
    ("Ruby", &["ruby"]),
    ("Ruby on Rails", &["ruby on rails", "rails"]),
    ("Swift", &["swift"]),
    ("Objective-C", &["objective-c"]),
    ("Dart", &["dart"]),
    ("Flutter", &["flutter"]),
    ("React Native", &["react native"]),
    ("Android", &["android"]),
    ("iOS", &["ios"]),
    ("Elixir", &["elixir"]),
    ("Erlang", &["erlang"]),
    ("Haskell", &["haskell"]),
    ("R", &["r"]),
    ("SQL", &["sql"]),
    ("Bash", &["bash"]),
    ("React", &["react", "react.js", "reactjs"]),
    ("Vue.js", &["vue", "vue.js"]),
    ("Angular", &["angular"]),
    ("Svelte", &["svelte"]),
    ("Next.js", &["next.js"]),
    ("Redux", &["redux"]),
    ("HTML", &["html", "html5"]),
    ("CSS", &["css", "css3", "sass", "scss"]),
    ("GraphQL", &["graphql"]),
    ("REST", &["rest", "restful"]),
    ("gRPC", &["grpc"]),
    ("Spring", &["spring", "spring boot"]),
    ("Hibernate", &["hibernate"]),
    ("Django", &["django"]),
    ("Flask", &["flask"]),
    ("FastAPI", &["fastapi"]),
    ("Express", &["express", "express.js"]),
    ("NestJS", &["nestjs", "nest.js"]),
    ("PostgreSQL", &["postgresql", "postgres"]),
    ("MySQL", &["mysql"]),
    ("MariaDB", &["mariadb"]),
    ("SQLite", &["sqlite"]),
    ("Oracle", &["oracle"]),
    ("SQL Server", &["sql server", "mssql"]),
    ("MongoDB", &["mongodb"]),
    ("Redis", &["redis"]),
    ("Cassandra", &["cassandra"]),
    ("Elasticsearch", &["elasticsearch", "opensearch"]),
    ("ClickHouse", &["clickhouse"]),
    ("Kafka", &["kafka"]),
    ("RabbitMQ", &["rabbitmq"]),
    ("NATS", &["nats"]),
    ("Docker", &["docker"]),
    ("Kubernetes", &["kubernetes", "k8s"]),
    ("Helm", &["helm"]),
    ("Terraform", &["terraform"]),
    ("Ansible", &["ansible"]),
    ("AWS", &["aws"]),
    ("Google Cloud", &["gcp", "google cloud"]),
    ("Azure", &["azure"]),
    ("Linux", &["linux"]),
    ("Nginx", &["nginx"]),
    ("Git", &["git"]),
    ("GitHub Actions", &["github actions"]),
    ("GitLab CI", &["gitlab ci", "gitlab-ci"]),
    ("Jenkins", &["jenkins"]),
    ("Prometheus", &["prometheus"]),
    ("Grafana", &["grafana"]),
    ("OpenTelemetry", &["opentelemetry"]),
    ("Spark", &["spark", "pyspark"]),
    ("Airflow", &["airflow"]),
    ("Hadoop", &["hadoop"]),
    ("dbt", &["dbt"]),
    ("Snowflake", &["snowflake"]),
    ("BigQuery", &["bigquery"]),
    ("pandas", &["pandas"]),
    ("NumPy", &["numpy"]),
    ("PyTorch", &["pytorch"]),
    ("TensorFlow", &["tensorflow"]),
    ("scikit-learn", &["scikit-learn", "sklearn"]),
    ("Power BI", &["power bi"]),
    ("Tableau", &["tableau"]),
    ("Selenium", &["selenium"]),
    ("Playwright", &["playwright"]),
    ("Cypress", &["cypress"]),
    ("JUnit", &["junit"]),
    ("pytest", &["pytest"]),
    ("Postman", &["postman"]),
    ("JMeter", &["jmeter"]),
    ("Jira", &["jira"]),
    ("Figma", &["figma"]),
    ("Unity", &["unity"]),
    ("Qt", &["qt"]),
    ("CMake", &["cmake"]),
];
/// Names that are also words or letters of the language: they count under skills alone.
const AMBIGUOUS: &[&str] =
    &["Go", "C", "R", "REST", "Express", "Swift", "Rust", "Spring", "Helm", "Dart", "Unity", "Spark", "Oracle"];

/// The technologies with the line that names each first, the most important first.
pub fn read(lines: &[Line]) -> Vec<(&'static str, &Line)> {
    let lower: Vec<(&Line, String)> = lines.iter().map(|line| (line, line.text.to_lowercase())).collect();
    let mut found: Vec<(u32, (usize, usize), &'static str, &Line)> = Vec::new();
    for (name, spellings) in KNOWN {
        let mut weight = 0;
        let mut first: Option<((usize, usize), &Line)> = None;
        for (at, (line, text)) in lower.iter().enumerate() {
            let is_skill = line.section == Section::Skills;
            if AMBIGUOUS.contains(name) && !is_skill {
                continue;
            }
            if let Some(within) = spellings.iter().filter_map(|spelling| place_in(spelling, text)).min() {
                weight += if is_skill { SKILL_WEIGHT } else { 1 };
                first = first.or(Some(((at, within), line)));
            }
        }
        if let Some((at, line)) = first {
            found.push((weight, at, name, line));
        }
    }
    found.sort_by_key(|(weight, at, _, _)| (std::cmp::Reverse(*weight), *at));
    found.into_iter().take(TECHNOLOGIES_MAX).map(|(_, _, name, line)| (name, line)).collect()
}

/// Where `name` first stands in `text` as a word of its own.
fn place_in(name: &str, text: &str) -> Option<usize> {
    let mut places = text.match_indices(name).map(|(at, _)| at);
    places.find(|&at| {
        let before = text[..at].chars().next_back();
        let mut after = text[at + name.len()..].chars();
        let next = after.next();
        let beyond = after.next();
        let joins = |c: char| c.is_alphanumeric() || matches!(c, '+' | '#' | '_');
        // "node.js" is no "node", the end of a sentence is.
        let dotted = matches!(next, Some('.' | '-')) && beyond.is_some_and(char::is_alphanumeric);
        !before.is_some_and(|c| joins(c) || matches!(c, '.' | '-') && !name.starts_with('.'))
            && !next.is_some_and(joins)
            && !dotted
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::sections;

    fn names(text: &str) -> Vec<&'static str> {
        let lines = sections::lines(text);
        read(&lines).into_iter().map(|(name, _)| name).collect()
    }

    #[test]
    fn names_are_words_of_their_own() {
        assert_eq!(names("We rest and go to express oracle. JavaScript developer"), ["JavaScript"]);
        assert_eq!(
            names("Skills\nGo, C, C++, C#, REST, Node.js, R."),
            ["Go", "C", "C++", "C#", "REST", "Node.js", "R"]
        );
        assert_eq!(names("postgresql/redis; k8s (docker)"), ["PostgreSQL", "Redis", "Kubernetes", "Docker"]);
        assert!(names("Gopher, Cargo, digital, javax, jsx").is_empty());
    }

    #[test]
    fn skills_come_before_mentions() {
        assert_eq!(names("Experience\nMySQL MySQL\nSkills\nRust"), ["Rust", "MySQL"]);
    }
}
