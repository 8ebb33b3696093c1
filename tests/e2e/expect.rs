//! What must lie in the account after a job: bytes, or pictures and sound.

use anyhow::{Result, ensure};
use bytes::Bytes;
use e2e::media::{Essence, essence};

/// What a correct file holds.
#[derive(Debug, Clone)]
pub(crate) enum Expect {
    /// These bytes and no others.
    Bytes(Bytes),
    /// The pictures of one of these files and the sound of one of those, in whatever container; none for an empty list.
    Streams { video: Vec<Bytes>, audio: Vec<Bytes> },
}

impl Expect {
    /// The pictures of one of `video` with the sound of one of `audio`.
    pub(crate) fn streams<'a>(
        video: impl IntoIterator<Item = &'a Bytes>,
        audio: impl IntoIterator<Item = &'a Bytes>,
    ) -> Self {
        Self::Streams { video: video.into_iter().cloned().collect(), audio: audio.into_iter().cloned().collect() }
    }

    /// An error unless `landed` is what it should be.
    pub(crate) async fn check(&self, landed: &[u8]) -> Result<()> {
        match self {
            Self::Bytes(bytes) => {
                ensure!(landed == bytes, "{} bytes landed, not the {} sent", landed.len(), bytes.len());
            }
            Self::Streams { video, audio } => {
                let found = of(landed).await?;
                let (mut pictures, mut sounds) = (Vec::new(), Vec::new());
                for bytes in video {
                    pictures.push(of(bytes).await?.video);
                }
                for bytes in audio {
                    sounds.push(of(bytes).await?.audio);
                }
                let check = |what: &str, found: &Option<String>, possible: &[Option<String>]| {
                    ensure!(found.is_some() != possible.is_empty(), "{what}: {found:?}, but {possible:?} was expected");
                    ensure!(
                        found.is_none() || possible.contains(found),
                        "another {what}: {found:?} is not in {possible:?}"
                    );
                    Ok(())
                };
                check("picture", &found.video, &pictures)?;
                check("sound", &found.audio, &sounds)?;
            }
        }
        Ok(())
    }
}

async fn of(bytes: &[u8]) -> Result<Essence> {
    let file = tempfile::NamedTempFile::new()?;
    std::fs::write(file.path(), bytes)?;
    essence(file.path()).await
}
