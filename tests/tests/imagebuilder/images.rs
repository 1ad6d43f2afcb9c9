//! Images.

use crate::fixtures::{built, pipeline};
use crate::harness::{arn, code, on_both};
use aws_sdk_imagebuilder::types::ImageStatus;

#[tokio::test]
async fn an_image_is_read_by_its_build_and_by_its_version() {
    on_both(async |bench| {
        let pipeline = pipeline(bench).await;
        let image = built(bench, &pipeline).await;
        for asked in [&image, &arn("image/web/1.0.0"), &arn("image/web/x.x.x")] {
            let answer = bench.builder.get_image().image_build_version_arn(asked).send().await.unwrap();
            let found = answer.image().unwrap();
            assert_eq!(found.arn(), Some(image.as_str()));
            assert_eq!(found.state().unwrap().status(), Some(&ImageStatus::Available));
            assert_eq!(found.source_pipeline_arn(), Some(pipeline.as_str()));
        }
        let missing = bench.builder.get_image().image_build_version_arn(arn("image/web/1.0.0/2")).send().await;
        assert_eq!(code(missing), "ResourceNotFoundException");
        let malformed = bench.builder.get_image().image_build_version_arn("web").send().await;
        assert_eq!(code(malformed), "InvalidParameterValueException");
    })
    .await;
}
