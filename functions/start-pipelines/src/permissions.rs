//! What this function's role must allow, and no more.

use shared::permissions::{
    BY_SQS, COMPONENTS, CONTAINER_RECIPES, EVERYTHING, IMAGE_RECIPES, IMAGES, OWN_IMAGES, OWN_PIPELINES, PARENTS,
    PARENTS_OF_AWS, Permission, allow, encrypt,
};

/// Each action that this function calls.
pub const PERMISSIONS: [Permission; 11] = [
    allow(&["imagebuilder:StartImagePipelineExecution"], &[OWN_PIPELINES], "start builds"),
    allow(&["imagebuilder:TagResource"], &[OWN_IMAGES], "note on a build what it was started for").when(
        "ForAllValues:StringEquals",
        "aws:TagKeys",
        &["goldsmith:started-for"],
    ),
    allow(&["imagebuilder:ListImagePipelineImages"], &[OWN_PIPELINES], "see what a pipeline was last built of"),
    allow(&["imagebuilder:GetImagePipeline"], &[OWN_PIPELINES], "read what a listing of pipelines leaves out")
        .unseen("the local listing leaves nothing out"),
    allow(
        &[
            "imagebuilder:ListComponents",
            "imagebuilder:ListContainerRecipes",
            "imagebuilder:ListImagePipelines",
            "imagebuilder:ListImageRecipes",
        ],
        &[EVERYTHING],
        "find all pipelines and what they are made of",
    ),
    allow(&["imagebuilder:GetComponent"], &[COMPONENTS], "see what a component stands for now"),
    allow(&["imagebuilder:GetContainerRecipe"], &[CONTAINER_RECIPES], "see what a recipe names"),
    allow(&["imagebuilder:GetImage"], &[IMAGES], "see what a parent stands for now"),
    allow(&["imagebuilder:GetImageRecipe"], &[IMAGE_RECIPES], "see what a recipe names"),
    allow(&["ssm:GetParameter"], &[PARENTS, PARENTS_OF_AWS], "see what a parent's parameter holds"),
    encrypt(&[BY_SQS], "encrypt dead letters"),
];
