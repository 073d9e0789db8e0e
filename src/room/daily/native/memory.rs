//! Code and constants that were needed once (to start, to be linked, to get into a room) leave this process's memory: they
//! are the same files for all workers and the server, and what is wanted again comes from the page cache. Must never touch
//! what can be written to.

use std::ffi::{c_int, c_void};

/// The size of a page, bytes; a larger one of the machine's only makes less be given back.
const PAGE: usize = 4_096;

/// Gives back what can be read again from the files that are loaded.
pub fn give_back() {
    // SAFETY: the function is of the kind that is wanted, and looks at no data.
    unsafe { libc::dl_iterate_phdr(Some(give_back_of), std::ptr::null_mut()) };
}

/// # Safety
/// To be called by the loader, with one of the files that it has loaded.
unsafe extern "C" fn give_back_of(file: *mut libc::dl_phdr_info, _: usize, _: *mut c_void) -> c_int {
    // SAFETY: the loader's own description of a file, good for the time of the call.
    let (base, segments) = unsafe {
        let file = &*file;
        (file.dlpi_addr, std::slice::from_raw_parts(file.dlpi_phdr, usize::from(file.dlpi_phnum)))
    };
    for segment in segments.iter().filter(|one| one.p_type == libc::PT_LOAD && one.p_flags & libc::PF_W == 0) {
        let begin = base + segment.p_vaddr;
        let (Ok(begin), Ok(end)) = (usize::try_from(begin), usize::try_from(begin + segment.p_memsz)) else { continue };
        // The first page is mapped from its beginning; the last may be anything's.
        let (begin, end) = (begin & !(PAGE - 1), end & !(PAGE - 1));
        if begin < end {
            // SAFETY: these pages are mapped from a file and cannot be written to, so that they come back as they are. The
            // loader writes to no code: that of this processor is linked by tables.
            unsafe { libc::madvise(std::ptr::without_provenance_mut(begin), end - begin, libc::MADV_DONTNEED) };
        }
    }
    0
}
