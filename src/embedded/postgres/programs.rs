//! The server's programs: which are there, of what version, and whether the account that runs them can reach them. Must
//! never run a program as root.

use super::place::{self, Account, Place};
use super::{Error, Paths};
use std::fs::{self, DirBuilder};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A directory with `initdb` and `postgres`, which the server's account can reach.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Programs {
    pub(super) directory: PathBuf,
}

/// Finds the programs: named by the operator, downloaded, of the distribution (the newest first), on the path. Those of
/// the version that made the cluster are preferred to all others; other ones are refused.
pub(super) fn find(paths: &Paths, place: &Place) -> Result<Programs, Error> {
    let cluster = place.major();
    let mut others = Vec::new();
    for directory in candidates(paths) {
        let Some(version) = version(&directory) else { continue };
        match cluster {
            Some(major) if version.major != major => others.push(version.text),
            Some(_) | None => return Ok(Programs { directory: reachable(&directory, &version, place.account)? }),
        }
    }
    match cluster {
        Some(cluster) if !others.is_empty() => {
            Err(Error::OtherVersion { data: place.data(), cluster, programs: others.join(", ") })
        }
        Some(_) | None => Err(Error::NoPrograms),
    }
}

fn candidates(paths: &Paths) -> Vec<PathBuf> {
    // What the operator names is meant, and nothing else.
    if let Some(named) = &paths.postgres_bin {
        return vec![named.clone()];
    }
    let mut found = vec![paths.postgres_download().join("bin")];
    found.extend(of_distribution(Path::new("/usr/lib/postgresql")));
    found.extend(std::env::var_os("PATH").iter().flat_map(std::env::split_paths));
    found.retain(|directory| directory.join("postgres").is_file() && directory.join("initdb").is_file());
    found
}

/// `/usr/lib/postgresql/N/bin`, the highest N first.
fn of_distribution(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut majors: Vec<u32> = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    majors.sort_unstable_by(|a, b| b.cmp(a));
    majors.into_iter().map(|major| directory.join(major.to_string()).join("bin")).collect()
}

#[derive(Debug, PartialEq, Eq)]
struct Version {
    major: u32,
    text: String,
}

/// `postgres --version` says it, also as root; `None` if it does not run.
fn version(directory: &Path) -> Option<Version> {
    let output = Command::new(directory.join("postgres")).arg("--version").stdin(Stdio::null()).output().ok()?;
    parse_version(&String::from_utf8_lossy(&output.stdout))
}

/// Such as `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`.
fn parse_version(line: &str) -> Option<Version> {
    let text = line.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit()))?;
    let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
    Some(Version { major: digits.parse().ok()?, text: text.to_owned() })
}

/// The directory itself, or a copy of the whole tree where the server's account can reach it. The copy is made once: its
/// name holds the version and the size of the server.
fn reachable(directory: &Path, version: &Version, account: Option<Account>) -> Result<PathBuf, Error> {
    let directory = fs::canonicalize(directory).map_err(Error::io(format!("find {}", directory.display())))?;
    let Some(account) = account else { return Ok(directory) };
    let tree = directory.parent().filter(|tree| tree.join("share").is_dir());
    let tree = match tree {
        Some(tree) if !place::reaches(account, &directory) => tree,
        Some(_) | None => return Ok(directory),
    };
    let size = fs::metadata(directory.join("postgres")).map_or(0, |metadata| metadata.len());
    let bin = directory.file_name().map(PathBuf::from).unwrap_or_default();
    for parent in [PathBuf::from(place::REACHABLE), std::env::temp_dir().join("vivavoce-programs")] {
        let copy = parent.join(format!("postgres-{}-{size}", version.text));
        if copy.is_dir() && is_of_root(&copy) && place::reaches(account, &copy) {
            return Ok(copy.join(bin));
        }
        let made = DirBuilder::new().recursive(true).mode(0o755).create(&parent);
        if made.is_ok() && is_of_root(&parent) && place::reaches(account, &parent) {
            copy_once(tree, &copy)?;
            return Ok(copy.join(bin));
        }
    }
    Err(Error::Unreachable { path: directory, instead: PathBuf::from(place::REACHABLE) })
}

/// Programs in a directory that others can write to are not run.
fn is_of_root(directory: &Path) -> bool {
    fs::symlink_metadata(directory).is_ok_and(|metadata| metadata.is_dir() && metadata.uid() == 0 && metadata.mode() & 0o022 == 0)
}

/// Copies a tree under another name and renames it, so that a copy is whole or not there.
fn copy_once(from: &Path, to: &Path) -> Result<(), Error> {
    let doing = || Error::io(format!("copy {} to {}", from.display(), to.display()));
    let unfinished = to.with_extension(format!("new-{}", std::process::id()));
    let copied = copy_tree(from, &unfinished).and_then(|()| fs::rename(&unfinished, to));
    if copied.is_err() {
        // What is left of a copy that failed, or that another process made first, is of no use; nor is the reason why it
        // could not be removed.
        let _ = fs::remove_dir_all(&unfinished);
    }
    if to.is_dir() { Ok(()) } else { copied.map_err(doing()) }
}

fn copy_tree(from: &Path, to: &Path) -> std::io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o755).create(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type()?;
        if kind.is_dir() {
            copy_tree(&source, &target)?;
        } else if kind.is_symlink() {
            std::os::unix::fs::symlink(fs::read_link(&source)?, &target)?;
        } else {
            fs::copy(&source, &target)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_the_distributions_print_them() {
        let debian = parse_version("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n");
        assert_eq!(debian, Some(Version { major: 15, text: "15.18".into() }));
        assert_eq!(parse_version("postgres (PostgreSQL) 18.6").map(|version| version.major), Some(18));
        assert_eq!(parse_version("postgres (PostgreSQL) 19beta1").map(|version| version.major), Some(19));
        assert_eq!(parse_version("no such thing"), None);
    }

    #[test]
    fn the_newest_of_the_distribution_comes_first() {
        let directory = tempfile::tempdir().expect("a directory");
        for name in ["9", "15", "17", "common"] {
            fs::create_dir(directory.path().join(name)).expect("made");
        }
        let found = of_distribution(directory.path());
        assert_eq!(found, [17, 15, 9].map(|n: u32| directory.path().join(n.to_string()).join("bin")));
    }

    #[test]
    fn a_copy_is_whole_with_its_links() {
        let directory = tempfile::tempdir().expect("a directory");
        let (from, to) = (directory.path().join("a"), directory.path().join("b"));
        fs::create_dir_all(from.join("bin")).expect("made");
        fs::write(from.join("bin/x"), "content").expect("written");
        std::os::unix::fs::symlink("x", from.join("bin/y")).expect("linked");
        copy_once(&from, &to).expect("copied");
        assert_eq!(fs::read_to_string(to.join("bin/y")).expect("there"), "content");
        copy_once(&from, &to).expect("a second copy changes nothing");
        assert_eq!(fs::read_dir(directory.path()).expect("readable").count(), 2, "nothing is left over");
    }
}
