//! An adaptive binary range coder (as in LZMA): bits cost what their context makes of them. Decoding is total: what lies
//! beyond the end reads as zeros.

/// Bits of a probability.
const BITS: u32 = 12;
/// How quickly a probability follows what it sees.
const RATE: u32 = 4;
const TOP: u32 = 1 << 24;

/// The probability of a zero in one context.
#[derive(Clone, Copy)]
pub struct Chance(u16);

impl Default for Chance {
    fn default() -> Self {
        Self(1 << (BITS - 1))
    }
}

impl Chance {
    fn share(self, range: u32) -> u32 {
        (range >> BITS) * u32::from(self.0)
    }

    fn saw(&mut self, bit: bool) {
        match bit {
            false => self.0 += ((1 << BITS) - self.0) >> RATE,
            true => self.0 -= self.0 >> RATE,
        }
        self.0 = self.0.clamp(32, (1 << BITS) - 32);
    }
}

/// What both directions do with a bit, so that one description of the data serves both.
pub trait Coder {
    /// Codes `bit`, or decodes one: then `bit` is ignored.
    fn bit(&mut self, chance: &mut Chance, bit: bool) -> bool;
}

/// Writes.
pub struct Encoder {
    low: u64,
    range: u32,
    cache: u8,
    waiting: u64,
    out: Vec<u8>,
}

impl Encoder {
    pub fn new() -> Self {
        Self { low: 0, range: u32::MAX, cache: 0, waiting: 1, out: Vec::new() }
    }

    fn shift(&mut self) {
        if self.low < 0xFF00_0000 || self.low > u64::from(u32::MAX) {
            let carry = (self.low >> 32) as u8;
            self.out.push(self.cache.wrapping_add(carry));
            (1..self.waiting).for_each(|_| self.out.push(0xFF_u8.wrapping_add(carry)));
            self.waiting = 0;
            self.cache = (self.low >> 24) as u8;
        }
        self.waiting += 1;
        self.low = (self.low & 0x00FF_FFFF) << 8;
    }

    /// The bytes; the first, always a zero, and zeros at the end, which are read anyway, are left out.
    pub fn finish(mut self) -> Vec<u8> {
        (0..5).for_each(|_| self.shift());
        self.out.remove(0);
        while self.out.last() == Some(&0) {
            self.out.pop();
        }
        self.out
    }
}

impl Coder for Encoder {
    fn bit(&mut self, chance: &mut Chance, bit: bool) -> bool {
        let bound = chance.share(self.range);
        if bit {
            self.low += u64::from(bound);
            self.range -= bound;
        } else {
            self.range = bound;
        }
        chance.saw(bit);
        while self.range < TOP {
            self.range <<= 8;
            self.shift();
        }
        bit
    }
}

/// Reads.
pub struct Decoder<'a> {
    bytes: &'a [u8],
    code: u32,
    range: u32,
}

impl<'a> Decoder<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        let mut decoder = Self { bytes, code: 0, range: u32::MAX };
        (0..4).for_each(|_| decoder.code = decoder.code << 8 | decoder.next());
        decoder
    }

    fn next(&mut self) -> u32 {
        match self.bytes.split_first() {
            Some((first, rest)) => {
                self.bytes = rest;
                u32::from(*first)
            }
            None => 0,
        }
    }
}

impl Coder for Decoder<'_> {
    fn bit(&mut self, chance: &mut Chance, _: bool) -> bool {
        let bound = chance.share(self.range);
        let bit = self.code >= bound;
        if bit {
            self.code -= bound;
            self.range -= bound;
        } else {
            self.range = bound;
        }
        chance.saw(bit);
        while self.range < TOP {
            self.range <<= 8;
            self.code = self.code << 8 | self.next();
        }
        bit
    }
}

/// Chances of a whole number of any size: its length in bits in unary, the bit below the leading one by length, the rest plain.
#[derive(Clone, Copy, Default)]
pub struct Number {
    longer: [Chance; 32],
    second: [Chance; 32],
}

impl Number {
    /// Codes `value`, at most 2^31, or decodes one.
    pub fn code(&mut self, coder: &mut impl Coder, value: u32) -> u32 {
        let wanted = 32 - value.leading_zeros();
        let mut length = 0;
        while length < 31 && coder.bit(&mut self.longer[length as usize], length < wanted) {
            length += 1;
        }
        if length <= 1 {
            return length;
        }
        let mut decoded = 1;
        for i in (0..length - 1).rev() {
            let bit = value >> i & 1 == 1;
            let mut even = Chance::default();
            let chance = if i + 2 == length { &mut self.second[length as usize] } else { &mut even };
            decoded = decoded << 1 | u32::from(coder.bit(chance, bit));
        }
        decoded
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn numbers_come_back(values in prop::collection::vec(prop_oneof![0u32..4, 0u32..300, 0u32..(1 << 30)], 0..400)) {
            let (mut encoder, mut number) = (Encoder::new(), Number::default());
            for &v in &values {
                number.code(&mut encoder, v);
            }
            let bytes = encoder.finish();
            let (mut decoder, mut number) = (Decoder::new(&bytes), Number::default());
            for &v in &values {
                prop_assert_eq!(number.code(&mut decoder, 0), v);
            }
        }
    }

    #[test]
    fn what_is_expected_costs_little() {
        let (mut encoder, mut chance) = (Encoder::new(), Chance::default());
        for i in 0..8000 {
            encoder.bit(&mut chance, i % 100 == 0);
        }
        assert!(encoder.finish().len() < 120);
    }
}
