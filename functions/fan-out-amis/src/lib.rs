//! Publishes the AMI IDs of an image build where instances can be launched.
