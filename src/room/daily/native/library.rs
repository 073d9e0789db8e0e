//! The exported C interface of Daily's client library as far as it is used, by declarations of our own. Loading checks that
//! every function is there; the shapes of what is passed are those of the one pinned release, so another release must
//! never be loaded.

use libloading::os::unix::{Library as Loaded, RTLD_LOCAL, RTLD_NOW};
use std::ffi::{c_char, c_int, c_void};
use std::path::{Path, PathBuf};

/// Something of the library's own; only ever pointed to.
pub type Opaque = *mut c_void;
/// Text that ends with a zero byte.
pub type Text = *const c_char;

/// Who uses the library; Daily's servers know clients by it.
#[repr(C)]
pub struct AboutClient {
    pub library: Text,
    pub version: Text,
    pub operating_system: Text,
    pub operating_system_version: Text,
    pub app: Text,
}

#[repr(C)]
pub struct ContextDelegate {
    pub context: Opaque,
}

/// What the library asks of its host about devices and codecs; `None` leaves it to the library.
#[repr(C)]
pub struct MediaDelegate {
    pub context: Opaque,
    pub get_user_media: extern "C" fn(Opaque, Opaque, Opaque, Opaque, Opaque, Text) -> Opaque,
    pub get_display_media: Option<extern "C" fn()>,
    pub get_enumerated_devices: extern "C" fn(Opaque) -> *mut c_char,
    pub create_audio_device_module: extern "C" fn(Opaque, Opaque) -> Opaque,
    pub create_video_decoder_factory: Option<extern "C" fn()>,
    pub create_video_encoder_factory: Option<extern "C" fn()>,
    pub create_audio_decoder_factory: Option<extern "C" fn()>,
    pub create_audio_encoder_factory: Option<extern "C" fn()>,
    pub get_audio_device: extern "C" fn(Opaque) -> Text,
    pub set_audio_device: extern "C" fn(Opaque, Text),
    pub get_ignored_network_devices: Option<extern "C" fn()>,
}

/// Sound of one participant.
#[repr(C)]
pub struct AudioData {
    pub bits_per_sample: u32,
    pub sample_rate: u32,
    pub channels: usize,
    pub frames: usize,
    pub bytes: *const u8,
}

/// Who hears of a call's events. They come on the library's own threads.
#[repr(C)]
pub struct CallDelegate {
    pub context: Opaque,
    pub on_event: unsafe extern "C" fn(Opaque, Text, isize),
    pub on_audio_data: unsafe extern "C" fn(Opaque, u64, Text, *const AudioData),
    pub on_video_frame: Option<extern "C" fn()>,
}

/// Called when the frames of a write were taken.
pub type Written = unsafe extern "C" fn(Opaque, u64, usize);

/// Why the library cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{path} cannot be loaded: {said}")]
pub struct NotLoaded {
    pub path: PathBuf,
    pub said: String,
}

/// Declares the functions and how they are found.
macro_rules! functions {
    ($($name:ident: fn($($argument:ty),*) $(-> $result:ty)?;)*) => {
        /// The library's functions, found.
        pub struct Library {
            $(pub $name: unsafe extern "C" fn($($argument),*) $(-> $result)?,)*
            _loaded: Loaded,
        }

        impl Library {
            /// Loads the library at `path`.
            ///
            /// # Safety
            /// It must be the pinned release: its code runs, and the declarations here are taken at their word.
            pub unsafe fn load(path: &Path) -> Result<Self, NotLoaded> {
                let not_loaded = |error: libloading::Error| NotLoaded { path: path.to_owned(), said: error.to_string() };
                super::python::present();
                // SAFETY: the caller vouches for the file.
                let loaded = unsafe { Loaded::open(Some(path), RTLD_NOW | RTLD_LOCAL) }.map_err(not_loaded)?;
                Ok(Self {
                    $($name: {
                        let name = concat!("daily_core_", stringify!($name), "\0");
                        // SAFETY: the type is the pinned release's, and the library lives as long as this value.
                        *unsafe { loaded.get::<unsafe extern "C" fn($($argument),*) $(-> $result)?>(name.as_bytes()) }
                            .map_err(not_loaded)?
                    },)*
                    _loaded: loaded,
                })
            }

            /// How many functions are used.
            pub const FUNCTIONS: usize = [$(stringify!($name)),*].len();
        }
    };
}

functions! {
    set_log_level: fn(c_int);
    context_create_device_manager: fn() -> Opaque;
    context_create_with_threads: fn(ContextDelegate, MediaDelegate, AboutClient, usize);
    context_create_audio_device_module: fn(Opaque, Opaque) -> Opaque;
    context_device_manager_enumerated_devices: fn(Opaque) -> *mut c_char;
    context_device_manager_get_user_media: fn(Opaque, Opaque, Opaque, Opaque, Opaque, Text) -> Opaque;
    context_create_custom_audio_source_with_silence: fn(i32, usize) -> Opaque;
    context_create_custom_audio_track: fn(Opaque) -> Opaque;
    context_custom_audio_track_id: fn(Opaque) -> *mut c_char;
    context_custom_audio_source_write_frames_async:
        fn(Opaque, *const i16, i32, i32, usize, usize, u64, Written, Opaque) -> i32;
    call_client_create: fn() -> Opaque;
    call_client_set_delegate: fn(Opaque, CallDelegate);
    call_client_set_user_name: fn(Opaque, u64, Text);
    call_client_set_proxy_url: fn(Opaque, u64, Text);
    call_client_update_subscription_profiles: fn(Opaque, u64, Text);
    call_client_join: fn(Opaque, u64, Text, Text, Text);
    call_client_leave: fn(Opaque, u64);
    call_client_set_participant_audio_renderer: fn(Opaque, u64, u64, Text, Text, u32);
    call_client_send_app_message: fn(Opaque, u64, Text, Text);
    string_free: fn(*mut c_char);
}
