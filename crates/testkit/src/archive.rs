//! Archives that package managers read.

/// A zip archive of files as they are, by name and text: a wheel, a module, a jar.
#[must_use]
pub fn zip(files: &[(&str, &str)]) -> Vec<u8> {
    let (mut archive, mut directory) = (Vec::new(), Vec::new());
    let number = |length: usize| u32::try_from(length).expect("archives of tests are small");
    for (name, text) in files {
        let offset = number(archive.len());
        let name_length = u16::try_from(name.len()).expect("names in archives of tests are short");
        let mut common = Vec::new();
        // Version, flags, method (stored), time and date (the first day that the format knows).
        common.extend([20, 0, 0, 0, 0, 0, 0, 0, 0x21, 0]);
        common.extend(checksum(text.as_bytes()).to_le_bytes());
        common.extend(number(text.len()).to_le_bytes());
        common.extend(number(text.len()).to_le_bytes());
        common.extend(name_length.to_le_bytes());
        common.extend([0, 0]);
        archive.extend(b"PK\x03\x04");
        archive.extend(&common);
        archive.extend(name.as_bytes());
        archive.extend(text.as_bytes());
        directory.extend(b"PK\x01\x02\x14\x00");
        directory.extend(&common);
        directory.extend([0; 10]);
        directory.extend(offset.to_le_bytes());
        directory.extend(name.as_bytes());
    }
    let count = u16::try_from(files.len()).expect("archives of tests hold few files");
    let (at, length) = (number(archive.len()), number(directory.len()));
    archive.extend(&directory);
    archive.extend(b"PK\x05\x06\0\0\0\0");
    archive.extend(count.to_le_bytes());
    archive.extend(count.to_le_bytes());
    archive.extend(length.to_le_bytes());
    archive.extend(at.to_le_bytes());
    archive.extend([0, 0]);
    archive
}

/// CRC-32 as archives have it.
fn checksum(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |sum: u32, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| (sum >> 1) ^ (0xedb8_8320 & (sum & 1).wrapping_neg()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checksum_is_the_one_that_everybody_computes() {
        assert_eq!(checksum(b"123456789"), 0xcbf4_3926);
        assert_eq!(&zip(&[("a", "b")])[..4], b"PK\x03\x04");
    }
}
