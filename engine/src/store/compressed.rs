//! Files compressed with zstd, read as if they were not.

use std::{
    io::{self, BufRead, BufReader, Read},
    path::Path,
};

use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

use super::capped::{self, CappedError};

/// The bytes of a file, whichever way they were stored.
pub type Input = Box<dyn BufRead + Send>;

/// What a frame begins with (RFC 8878, section 3.1.1).
const MAGIC: [u8; 4] = 0xFD2F_B528_u32.to_le_bytes();
/// Memory that a frame may ask for: what `zstd --long=26` needs.
const MAX_WINDOW_BYTES: u64 = 64 << 20;
/// Bytes read at once.
const CHUNK_BYTES: usize = 64 << 10;

/// Opens a regular file; its bytes are decompressed if it begins as zstd's frames do.
pub(super) fn open(path: &Path) -> Result<Input, CappedError> {
    let (file, _) = capped::open(path)?;
    let mut file = BufReader::with_capacity(CHUNK_BYTES, file);
    let start = file.fill_buf().map_err(|error| CappedError::Io { path: path.to_owned(), error })?;
    if start.starts_with(&MAGIC) {
        return Ok(Box::new(BufReader::with_capacity(CHUNK_BYTES, Frames::new(file))));
    }
    Ok(Box::new(file))
}

/// The content of one frame after the other. What was read of a frame whose checksum is wrong has been
/// delivered by the time that shows: it ends in an error.
struct Frames<R> {
    source: R,
    decoder: FrameDecoder,
}

impl<R: BufRead> Frames<R> {
    fn new(source: R) -> Self {
        let mut decoder = FrameDecoder::new();
        decoder.set_max_window_size(MAX_WINDOW_BYTES);
        Self { source, decoder }
    }

    /// Goes on to the next frame. `false` if there is none.
    fn next_frame(&mut self) -> io::Result<bool> {
        let said = self.decoder.get_checksum_from_data();
        if said.is_some() && said != self.decoder.get_calculated_checksum() {
            return Err(io::Error::other("the checksum of the compressed data is wrong"));
        }
        if self.source.fill_buf()?.is_empty() {
            return Ok(false);
        }
        self.decoder.reset(&mut self.source).map_err(io::Error::other)?;
        Ok(true)
    }
}

impl<R: BufRead> Read for Frames<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.decoder.can_collect() == 0 {
            if !self.decoder.is_finished() {
                let one = BlockDecodingStrategy::UptoBlocks(1);
                self.decoder.decode_blocks(&mut self.source, one).map_err(io::Error::other)?;
            } else if !self.next_frame()? {
                return Ok(0);
            }
        }
        self.decoder.read(into)
    }
}

#[cfg(test)]
mod tests {
    use ruzstd::encoding::{CompressionLevel, compress_to_vec};

    use super::*;

    fn frame(content: &[u8]) -> Vec<u8> {
        compress_to_vec(content, CompressionLevel::Fastest)
    }

    /// All that can be read, and how it ended.
    fn read(bytes: &[u8]) -> (Vec<u8>, Option<String>) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("file");
        std::fs::write(&path, bytes).expect("written");
        let mut content = Vec::new();
        let end = open(&path).expect("opened").read_to_end(&mut content);
        (content, end.err().map(|error| error.to_string()))
    }

    #[test]
    fn frames_are_read_one_after_another_and_other_files_as_they_are() {
        let text = b"a line\n".repeat(100_000);
        assert_eq!(read(&frame(&text)), (text.clone(), None));
        assert_eq!(read(&[frame(b"one "), frame(b""), frame(b"two")].concat()), (b"one two".to_vec(), None));
        assert_eq!(read(b"{}\n"), (b"{}\n".to_vec(), None));
        assert_eq!(read(b""), (Vec::new(), None));
    }

    #[test]
    fn damage_is_told_wherever_it_is() {
        let text: Vec<u8> = (0..50_000_u32).flat_map(|number| number.to_string().into_bytes()).collect();
        let whole = frame(&text);
        for cut in (MAGIC.len()..whole.len()).step_by(997).chain([whole.len() - 1]) {
            let (content, error) = read(&whole[..cut]);
            assert!(text.starts_with(&content) && error.is_some(), "cut at {cut}");
        }
        let mut wrong = whole.clone();
        *wrong.last_mut().expect("a checksum") ^= 1;
        assert_eq!(read(&wrong), (text.clone(), Some("the checksum of the compressed data is wrong".to_owned())));
        let (content, error) = read(&[whole, b"rest".to_vec()].concat());
        assert!(content == text && error.is_some());
    }

    #[test]
    fn a_frame_that_asks_for_too_much_memory_is_refused() {
        // A header without content size, whose window is 2^(10+exponent).
        let header = |exponent: u8| [&MAGIC[..], &[0, exponent << 3], &[1, 0, 0]].concat();
        assert_eq!(read(&header(16)), (Vec::new(), None));
        let (content, error) = read(&header(17));
        assert!(content.is_empty() && error.expect("refused").contains("window"));
    }
}
