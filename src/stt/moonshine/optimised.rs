//! Moonshine as shipped (.ort) executes its dequantisation at every step, because the runtime does not optimise that
//! format: six times the time (measured). So it is written once as plain ONNX, which the runtime optimises when it
//! opens it. The result is kept beside the shipped files, with a stamp of what it was made from.

use super::super::SttError;
use crate::onnx::OnnxRuntime;
use crate::onnx::wire::{rewrite, write_field};
use sha2::{Digest, Sha256};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Counts changes of this file's result: a new number makes old conversions worthless.
const CONVERSION: u32 = 1;

/// The path of the plain ONNX form of `shipped` inside `folder`, converted now if it is not there or of another make.
pub fn optimised(runtime: &OnnxRuntime, shipped: &Path, folder: &Path) -> Result<PathBuf, SttError> {
    let failed = |e: io::Error| SttError::Load { why: format!("{} could not be converted: {e}", shipped.display()) };
    let name = shipped.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let (output, stamp_file) = (folder.join(format!("{name}.onnx")), folder.join(format!("{name}.stamp")));
    let source = fs::metadata(shipped).map_err(failed)?;
    let modified =
        source.modified().ok().and_then(|t| t.duration_since(std::time::UNIX_EPOCH).ok()).unwrap_or_default();
    let made_from = format!("{CONVERSION} {} {} {}", runtime.build(), source.len(), modified.as_nanos());
    let known = fs::read_to_string(&stamp_file).unwrap_or_default();
    let size = fs::metadata(&output).map(|found| found.len()).unwrap_or(0);
    if size > 0 && known == format!("{made_from}\n{size}\n") {
        return Ok(output);
    }
    let sha256 = Sha256::digest(fs::read(shipped).map_err(failed)?);
    tracing::info!(model = name, "converting a speech model once, for speed");
    fs::create_dir_all(folder).map_err(failed)?;
    // Beside the output, so that the rename stays in one file system; by process, so that two may do it at once.
    let fresh = folder.join(format!("{name}.{}.tmp", std::process::id()));
    let raw = folder.join(format!("{name}.{}.raw.tmp", std::process::id()));
    let made = runtime.convert(shipped, &raw).map_err(|e| SttError::Load { why: e.to_string() }).and_then(|()| {
        let model = fs::read(&raw).map_err(failed)?;
        let named = name_graphs(&model).ok_or_else(|| SttError::Load { why: format!("{name}: not an ONNX model") })?;
        fs::write(&fresh, &named).map_err(failed)?;
        Ok(named.len())
    });
    // Left-overs cost only space; the next conversion writes over them.
    let _ = fs::remove_file(&raw);
    let size = made.inspect_err(|_| drop(fs::remove_file(&fresh)))?;
    // The stamp goes first and comes last: a crash in between leaves none, and the work is done again.
    let _ = fs::remove_file(&stamp_file);
    fs::rename(&fresh, &output).map_err(failed)?;
    let fresh_stamp = folder.join(format!("{name}.{}.stamp.tmp", std::process::id()));
    fs::write(&fresh_stamp, format!("{made_from}\n{size}\n")).map_err(failed)?;
    fs::rename(&fresh_stamp, &stamp_file).map_err(failed)?;
    tracing::debug!(model = name, source = %hex(&sha256), bytes = size, "converted");
    Ok(output)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Fields of ONNX's protocol buffers: `ModelProto.graph`.
const MODEL_GRAPH: u64 = 7;
/// `GraphProto.node`.
const GRAPH_NODE: u64 = 1;
/// `GraphProto.name`.
const GRAPH_NAME: u64 = 2;
/// `NodeProto.attribute`.
const NODE_ATTRIBUTE: u64 = 5;
/// `AttributeProto.g`: a graph inside a node, such as a branch of `If`.
const ATTRIBUTE_GRAPH: u64 = 6;

/// The model with a name for each graph inside it: the runtime writes branches without one and then refuses to read
/// them. `None` if the bytes are no protocol buffer.
fn name_graphs(model: &[u8]) -> Option<Vec<u8>> {
    rewrite(model, &mut |field, content| (field == MODEL_GRAPH).then(|| name_graph(content)))
}

fn name_graph(graph: &[u8]) -> Option<Vec<u8>> {
    let mut named = false;
    let mut result = rewrite(graph, &mut |field, content| {
        named |= field == GRAPH_NAME && !content.is_empty();
        (field == GRAPH_NODE).then(|| name_inside_node(content))
    })?;
    if !named {
        write_field(&mut result, GRAPH_NAME, b"branch");
    }
    Some(result)
}

fn name_inside_node(node: &[u8]) -> Option<Vec<u8>> {
    rewrite(node, &mut |field, attribute| {
        (field == NODE_ATTRIBUTE)
            .then(|| rewrite(attribute, &mut |field, graph| (field == ATTRIBUTE_GRAPH).then(|| name_graph(graph))))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(number: u64, content: &[u8]) -> Vec<u8> {
        let mut message = Vec::new();
        write_field(&mut message, number, content);
        message
    }

    #[test]
    fn nameless_branches_get_a_name_and_nothing_else_changes() {
        let weights = field(5, &[7; 300]);
        let branch =
            |name: &[u8]| field(NODE_ATTRIBUTE, &field(ATTRIBUTE_GRAPH, &[weights.clone(), name.to_vec()].concat()));
        let model = |first: &[u8]| {
            let node = [field(4, b"If"), branch(first), branch(&field(GRAPH_NAME, b"else"))].concat();
            let graph = [field(GRAPH_NODE, &node), field(GRAPH_NAME, b"main")].concat();
            [vec![0x08, 0x0a], field(MODEL_GRAPH, &graph), vec![0x15, 1, 2, 3, 4]].concat()
        };
        assert_eq!(name_graphs(&model(b"")), Some(model(&field(GRAPH_NAME, b"branch"))));
        let whole = model(&field(GRAPH_NAME, b"branch"));
        assert_eq!(name_graphs(&whole), Some(whole.clone()));
        assert_eq!(name_graphs(&whole[..whole.len() - 9]), None);
    }
}
