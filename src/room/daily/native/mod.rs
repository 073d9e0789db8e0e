//! Daily's native client in this process: its library loaded, one call at a time, safe to use from Rust. Only the worker
//! process may use it: it is foreign code that has crashed before, and a call that is lost may never return.

mod library;
mod memory;
mod python;

pub use library::NotLoaded;
pub use memory::give_back;

use library::{AboutClient, AudioData, CallDelegate, ContextDelegate, Library, MediaDelegate, Opaque, Text};
use std::ffi::{CStr, CString, c_char};
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// The release whose shapes are declared.
pub const RELEASE: &str = "0.36.0";
/// Threads of the library's own runtime: its least number, and one call needs no more.
const THREADS: usize = 2;
/// What the library calls itself to Daily's servers, which know clients by name.
const ABOUT: (&CStr, &CStr) = (c"daily-core-sdk", c"0.22.0");
const BITS: i32 = 16;

/// What the library tells, on threads of its own; nothing here may wait.
pub trait Listener: Send + Sync {
    /// An event, as JSON.
    fn event(&self, json: &str);
    /// Sound of a participant, mono: `rate_hz` as it was asked for.
    fn audio(&self, renderer: u64, pcm: &[i16]);
    /// A write was taken.
    fn written(&self, write: u64);
}

static CORE: OnceLock<Core> = OnceLock::new();

/// The library with its context. There is one in a process, and it is never unloaded.
struct Core {
    library: Library,
    devices: Opaque,
}

// SAFETY: the interface may be called from any thread; the device manager is only handed back to it.
unsafe impl Send for Core {}
// SAFETY: as above.
unsafe impl Sync for Core {}

/// Loads the library and makes its context; returns how many functions were found.
pub fn load(path: &Path) -> Result<usize, NotLoaded> {
    // SAFETY: the path leads to the pinned release, whose sha256 was checked.
    let library = unsafe { Library::load(path) }?;
    // SAFETY: level 0 is "off"; the device manager lives as long as the process, as the context does.
    let devices = unsafe {
        (library.set_log_level)(0);
        (library.context_create_device_manager)()
    };
    let core = CORE.get_or_init(|| Core { library, devices });
    let about = AboutClient {
        library: ABOUT.0.as_ptr(),
        version: ABOUT.1.as_ptr(),
        operating_system: c"linux".as_ptr(),
        operating_system_version: std::ptr::null(),
        app: std::ptr::null(),
    };
    let media = MediaDelegate {
        context: std::ptr::null_mut(),
        get_user_media,
        get_display_media: None,
        get_enumerated_devices,
        create_audio_device_module,
        create_video_decoder_factory: None,
        create_video_encoder_factory: None,
        create_audio_decoder_factory: None,
        create_audio_encoder_factory: None,
        get_audio_device,
        set_audio_device,
        get_ignored_network_devices: None,
    };
    let context = ContextDelegate { context: std::ptr::null_mut() };
    // SAFETY: the callbacks only use `CORE`, which is set; the texts are static.
    unsafe { (core.library.context_create_with_threads)(context, media, about, THREADS) };
    Ok(Library::FUNCTIONS)
}

extern "C" fn get_user_media(_: Opaque, factory: Opaque, a: Opaque, b: Opaque, c: Opaque, constraints: Text) -> Opaque {
    let Some(core) = CORE.get() else { return std::ptr::null_mut() };
    // SAFETY: the library's own pointers, handed back to it.
    unsafe { (core.library.context_device_manager_get_user_media)(core.devices, factory, a, b, c, constraints) }
}

extern "C" fn get_enumerated_devices(_: Opaque) -> *mut c_char {
    let Some(core) = CORE.get() else { return std::ptr::null_mut() };
    // SAFETY: as above.
    unsafe { (core.library.context_device_manager_enumerated_devices)(core.devices) }
}

extern "C" fn create_audio_device_module(_: Opaque, queues: Opaque) -> Opaque {
    let Some(core) = CORE.get() else { return std::ptr::null_mut() };
    // SAFETY: as above.
    unsafe { (core.library.context_create_audio_device_module)(core.devices, queues) }
}

extern "C" fn get_audio_device(_: Opaque) -> Text {
    c"".as_ptr()
}

extern "C" fn set_audio_device(_: Opaque, _: Text) {}

/// One call. It is never destroyed: after a call that ended badly the library's destructor does not return, and the
/// process ends with its call anyway.
pub struct Call {
    core: &'static Core,
    client: Opaque,
    source: Opaque,
    track: String,
    listener: Opaque,
    next_request: AtomicU64,
    voice_hz: i32,
}

// SAFETY: the interface may be called from any thread.
unsafe impl Send for Call {}
// SAFETY: as above.
unsafe impl Sync for Call {}

/// A request to the library; its outcome comes as an event with this number.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Request(pub u64);

impl Call {
    /// A call that is in no room yet; `voice_hz` is the rate of what is said. `None` before the library is loaded.
    pub fn open(listener: Box<dyn Listener>, voice_hz: u32) -> Option<Self> {
        let core = CORE.get()?;
        let voice_hz = i32::try_from(voice_hz).ok()?;
        let listener: Opaque = Box::into_raw(Box::new(listener)).cast();
        let delegate = CallDelegate { context: listener, on_event, on_audio_data, on_video_frame: None };
        // SAFETY: the context is there; the listener is never freed; the track's id is the library's text, freed by it.
        unsafe {
            let source = (core.library.context_create_custom_audio_source_with_silence)(voice_hz, 1);
            let track = (core.library.context_create_custom_audio_track)(source);
            let id = (core.library.context_custom_audio_track_id)(track);
            if id.is_null() {
                return None;
            }
            let track = CStr::from_ptr(id).to_string_lossy().into_owned();
            (core.library.string_free)(id);
            let client = (core.library.call_client_create)();
            (core.library.call_client_set_delegate)(client, delegate);
            Some(Self { core, client, source, track, listener, next_request: AtomicU64::new(1), voice_hz })
        }
    }

    /// The name of the track that carries our voice.
    pub fn track(&self) -> &str {
        &self.track
    }

    fn request(&self, ask: impl FnOnce(&Library, Opaque, u64)) -> Request {
        let request = self.next_request.fetch_add(1, Ordering::Relaxed);
        ask(&self.core.library, self.client, request);
        Request(request)
    }

    pub fn set_user_name(&self, name: &str) -> Request {
        let name = text(name);
        // SAFETY: the library copies texts before it returns; so it does in every request below.
        self.request(|library, client, request| unsafe {
            (library.call_client_set_user_name)(client, request, name.as_ptr());
        })
    }

    /// Has all connections go through a proxy, but for the media.
    pub fn set_proxy_url(&self, url: &str) -> Request {
        let url = text(url);
        // SAFETY: as above.
        self.request(|library, client, request| unsafe {
            (library.call_client_set_proxy_url)(client, request, url.as_ptr());
        })
    }

    pub fn update_subscription_profiles(&self, profiles: &serde_json::Value) -> Request {
        let profiles = text(&profiles.to_string());
        // SAFETY: as above.
        self.request(|library, client, request| unsafe {
            (library.call_client_update_subscription_profiles)(client, request, profiles.as_ptr());
        })
    }

    pub fn join(&self, url: &str, token: &str, settings: &serde_json::Value) -> Request {
        let (url, token, settings) = (text(url), text(token), text(&settings.to_string()));
        // SAFETY: as above; no token is a null pointer.
        self.request(|library, client, request| unsafe {
            let token = if token.is_empty() { std::ptr::null() } else { token.as_ptr() };
            (library.call_client_join)(client, request, url.as_ptr(), token, settings.as_ptr());
        })
    }

    pub fn leave(&self) -> Request {
        // SAFETY: the client is there.
        self.request(|library, client, request| unsafe { (library.call_client_leave)(client, request) })
    }

    /// Has the sound of a participant's microphone come to [`Listener::audio`] under `renderer`.
    pub fn hear(&self, renderer: u64, participant: &str, rate_hz: u32) -> Request {
        let participant = text(participant);
        let source = c"microphone".as_ptr();
        // SAFETY: as above.
        self.request(|library, client, request| unsafe {
            let participant = participant.as_ptr();
            (library.call_client_set_participant_audio_renderer)(
                client,
                request,
                renderer,
                participant,
                source,
                rate_hz,
            );
        })
    }

    /// Sends a message to one participant, or to all.
    pub fn send_message(&self, message: &serde_json::Value, to: Option<&str>) -> Request {
        let message = text(&message.to_string());
        let to = to.map(text);
        // SAFETY: as above; no participant is a null pointer.
        self.request(|library, client, request| unsafe {
            let to = to.as_ref().map_or(std::ptr::null(), |to| to.as_ptr());
            (library.call_client_send_app_message)(client, request, message.as_ptr(), to);
        })
    }

    /// Queues frames to be said; [`Listener::written`] tells when they were taken. False if the library refuses.
    pub fn write(&self, write: u64, pcm: &[i16]) -> bool {
        let written = self.core.library.context_custom_audio_source_write_frames_async;
        // SAFETY: the library copies the samples before it returns; the listener lives as long as the process.
        let taken = unsafe {
            written(self.source, pcm.as_ptr(), BITS, self.voice_hz, 1, pcm.len(), write, on_written, self.listener)
        };
        taken >= 0
    }
}

/// Text for the library. What stands behind a zero byte is left out: nothing of ours has one.
fn text(text: &str) -> CString {
    let whole = text.split('\0').next().unwrap_or_default();
    CString::new(whole).expect("there is no zero byte left in it")
}

/// # Safety
/// `context` is what [`Call::open`] made.
unsafe fn listener<'a>(context: Opaque) -> &'a dyn Listener {
    // SAFETY: the caller vouches for it, and it is never freed.
    unsafe { (*context.cast::<Box<dyn Listener>>()).as_ref() }
}

unsafe extern "C" fn on_event(context: Opaque, json: Text, length: isize) {
    let Ok(length) = usize::try_from(length) else { return };
    if json.is_null() {
        return;
    }
    // SAFETY: the library's text of that length, good for the time of the call.
    let (listener, bytes) = unsafe { (listener(context), std::slice::from_raw_parts(json.cast::<u8>(), length)) };
    if let Ok(json) = std::str::from_utf8(bytes) {
        listener.event(json.trim_end_matches('\0'));
    }
}

unsafe extern "C" fn on_audio_data(context: Opaque, renderer: u64, _: Text, data: *const AudioData) {
    // SAFETY: the library's own structure, good for the time of the call.
    let (listener, data) = unsafe { (listener(context), data.as_ref()) };
    let Some(data) = data.filter(|data| data.bits_per_sample == 16 && data.channels == 1 && !data.bytes.is_null())
    else {
        return;
    };
    // SAFETY: samples of 16 bits lie at even addresses, as many as are stated.
    listener.audio(renderer, unsafe { std::slice::from_raw_parts(data.bytes.cast::<i16>(), data.frames) });
}

unsafe extern "C" fn on_written(context: Opaque, write: u64, _: usize) {
    // SAFETY: as above.
    unsafe { listener(context) }.written(write);
}
