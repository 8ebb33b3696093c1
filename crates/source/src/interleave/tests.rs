use proptest::prelude::*;

use bytes::Bytes;
use futures::TryStreamExt;

use super::*;
use crate::testing::{Memory, pair, webm_pair};

struct World {
    /// WebM where there is none.
    layout: Option<Layout>,
    video: Arc<Memory>,
    audio: Arc<Memory>,
}

impl World {
    fn of(layout: Option<Layout>, (video, audio): (Vec<u8>, Vec<u8>)) -> Self {
        Self { layout, video: Arc::new(Memory::new(video, Some("v"))), audio: Arc::new(Memory::new(audio, Some("a"))) }
    }

    fn mp4() -> Self {
        Self::of(Some(Layout::Hybrid), pair())
    }

    fn all() -> [Self; 4] {
        let mp4 = |layout| Self::of(Some(layout), pair());
        [mp4(Layout::Hybrid), mp4(Layout::Faststart), mp4(Layout::Fragmented), Self::of(None, webm_pair())]
    }

    async fn open(&self) -> Arc<dyn Source> {
        let inputs = Inputs { video: self.video.clone(), audio: self.audio.clone() };
        let opened = match self.layout {
            Some(layout) => open_mp4(inputs, layout, Hint::default()).await,
            None => open_webm(inputs).await,
        };
        opened.unwrap()
    }
}

async fn mp4(inputs: Inputs) -> Result<Arc<dyn Source>, Refused> {
    open_mp4(inputs, Layout::Hybrid, Hint::default()).await
}

async fn read(source: &Arc<dyn Source>, from: u64, to: Option<u64>) -> Result<Vec<u8>, Failure> {
    let pieces: Vec<Bytes> = source.open(from, to).await?.try_collect().await?;
    Ok(pieces.concat())
}

fn total(source: &Arc<dyn Source>) -> u64 {
    source.length().bytes().unwrap()
}

#[tokio::test]
async fn the_whole_has_the_announced_length_and_opens_each_input_once() {
    for world in World::all() {
        let source = world.open().await;
        let before = (world.video.opened(), world.audio.opened());
        let whole = read(&source, 0, None).await.unwrap();
        assert_eq!(whole.len() as u64, total(&source));
        assert_eq!((world.video.opened() - before.0, world.audio.opened() - before.1), (1, 1));
        assert!(whole.len() as u64 > total_of(&world), "both are in it");
    }
}

fn total_of(world: &World) -> u64 {
    let bytes = |input: &Memory| input.length().bytes().unwrap();
    (bytes(&world.video) + bytes(&world.audio)) / 100 * 98
}

#[tokio::test]
async fn another_process_goes_on_where_one_stopped() {
    for world in World::all() {
        resumed(&world).await;
    }
}

async fn resumed(world: &World) {
    let whole = read(&world.open().await, 0, None).await.unwrap();
    let (first, second) = (world.open().await, world.open().await);
    assert!(first.fingerprint().is_some());
    assert_eq!(first.fingerprint(), second.fingerprint());
    for at in [0, 1, 17, whole.len() as u64 / 2, whole.len() as u64 - 1, whole.len() as u64] {
        let begun = read(&first, 0, Some(at)).await.unwrap();
        // Nothing passed there: the tail has to look the fragments up.
        let ended = read(&world.open().await, at, None).await.unwrap();
        assert!(begun.iter().chain(&ended).eq(&whole), "at {at}");
    }
}

#[tokio::test]
async fn every_layout_of_a_pair_has_its_own_fingerprint_and_holds_the_same_media() {
    let [hybrid, faststart, fragmented, _] = World::all();
    let mut seen = Vec::new();
    for world in [hybrid, faststart, fragmented] {
        let source = world.open().await;
        let whole = read(&source, 0, None).await.unwrap();
        let place = |kind: &[u8; 4]| whole.windows(4).position(|at| at == kind).unwrap();
        // What a player needs first is behind the media in one of them only.
        assert_eq!(place(b"moov") < place(b"mdat"), world.layout != Some(Layout::Hybrid), "{:?}", world.layout);
        seen.push(source.fingerprint().unwrap().to_owned());
    }
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 3);
}

#[tokio::test]
async fn an_input_that_breaks_breaks_the_output_and_can_be_read_again() {
    let world = World::mp4();
    let source = world.open().await;
    let whole = read(&source, 0, None).await.unwrap();
    let source = world.open().await;
    world.video.break_once(20_000);
    assert_eq!(read(&source, 0, None).await.unwrap_err().detail, "hung up");
    assert!(read(&source, 0, None).await.unwrap() == whole);
}

#[tokio::test]
async fn other_bytes_have_another_fingerprint() {
    let world = World::mp4();
    let other =
        World { layout: world.layout, video: Arc::new(Memory::new(pair().0, Some("w"))), audio: world.audio.clone() };
    assert_ne!(world.open().await.fingerprint(), other.open().await.fingerprint());
    let unknown =
        World { layout: world.layout, video: Arc::new(Memory::new(pair().0, None)), audio: world.audio.clone() };
    assert_eq!(unknown.open().await.fingerprint(), None);
}

#[tokio::test]
async fn what_is_no_such_pair_goes_another_way() {
    let world = World::mp4();
    let noise = Arc::new(Memory::new(vec![7; 100_000], None));
    for inputs in [
        Inputs { video: noise.clone(), audio: world.audio.clone() },
        Inputs { video: world.audio.clone(), audio: world.audio.clone() },
    ] {
        for refused in [mp4(inputs.clone()).await.err(), open_webm(inputs).await.err()] {
            assert!(matches!(refused, Some(Refused::Unsuitable(_))), "{refused:?}");
        }
    }
}

static WHOLES: std::sync::LazyLock<Vec<(World, Vec<u8>)>> = std::sync::LazyLock::new(|| {
    World::all()
        .into_iter()
        .map(|world| {
            let whole = run(async { read(&world.open().await, 0, None).await.unwrap() });
            (world, whole)
        })
        .collect()
});

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_ranges_read_at_once_make_the_whole(mut cuts in proptest::collection::vec(any::<prop::sample::Index>(), 1..8)) {
        for (world, whole) in WHOLES.iter() {
            cuts.sort_unstable_by_key(|cut| cut.index(whole.len()));
            let cuts: Vec<u64> = cuts.iter().map(|cut| cut.index(whole.len()) as u64).collect();
            let parts = run(async {
                let source = world.open().await;
                let froms = std::iter::once(0).chain(cuts.iter().copied());
                let tos = cuts.iter().copied().chain([whole.len() as u64]);
                futures::future::try_join_all(froms.zip(tos).map(|(from, to)| read(&source, from, Some(to)))).await
            });
            prop_assert!(parts.unwrap().concat() == *whole);
        }
    }
}

fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}
