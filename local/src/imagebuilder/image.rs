//! Images: the operations that start, read and delete builds.

use super::calls::unsupported;
use crate::wire::{ApiError, Context};
use crate::world::World;
use serde_json::Value;

macro_rules! placeholders {
    ($($name:ident)*) => {$(
        /// Not there yet.
        ///
        /// # Errors
        /// Always.
        pub fn $name(_world: &mut World, _context: &Context, _input: &Value) -> Result<Value, ApiError> {
            Err(unsupported(concat!(stringify!($name), " is not supported by the local Image Builder")))
        }
    )*};
}

placeholders! {
    create_image get_image list_images list_image_build_versions list_image_pipeline_images delete_image
    cancel_image_creation start_image_pipeline_execution
}
