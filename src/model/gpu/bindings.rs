//! The buffers of each kernel, by the names that its WGSL gives them and in the order of their bindings; a test compares both.
//! What lies in them is said in the WGSL.

use wgpu::Buffer;

use super::kernels::Kernel;

/// What a kernel is bound to.
pub(super) trait Buffers {
    /// In the order of the bindings.
    fn list(&self) -> Vec<&Buffer>;
}

/// What one kernel alone is bound to.
pub(super) trait OfKernel: Buffers {
    /// Which.
    const KERNEL: Kernel;
}

macro_rules! bindings {
    ($($name:ident [$($kernel:ident),+] { $($buffer:ident),+ })+) => {
        $(
            pub(super) struct $name<'a> {
                $(pub $buffer: &'a Buffer),+
            }

            impl Buffers for $name<'_> {
                fn list(&self) -> Vec<&Buffer> {
                    vec![$(self.$buffer),+]
                }
            }
        )+

        /// Kernels with the names of their buffers.
        #[cfg(test)]
        const ALL: &[(&[Kernel], &[&str])] = &[$((&[$(Kernel::$kernel),+], &[$(stringify!($buffer)),+])),+];
    };
}

macro_rules! of_kernel {
    ($($name:ident)+) => {
        $(impl OfKernel for $name<'_> {
            const KERNEL: Kernel = Kernel::$name;
        })+
    };
}

bindings! {
    Product [Matmul, Matvec1, Matvec4, Matvec8, Transposed] { matrix, words, scales, rows, x, y }
    NormedProduct [NormMatvec1, NormMatvec4, NormMatvec8] { matrix, words, scales, rows, x, y, gain, info }
    Lookup [Embed] { matrix, words, scales, tokens, y }
    Norm [Norm] { norm, info, x, gain, y }
    NormVjp [NormVjp] { norm, info, x, gain, c, into }
    Axpy [Axpy] { axpy, rows, x, y }
    Append [Append] { shape, rows, info, angles, projected, cache, tangents }
    RopeVjp [RopeVjp] { shape, rows, info, angles, projected }
    Attention [Attention] { shape, info, projected, cache, tangents, out }
    AttentionVjpQueries [AttentionVjpQueries] { shape, info, projected, cache, c, dq, statistics }
    AttentionVjpKeys [AttentionVjpKeys] { shape, info, projected, cache, c, statistics, dkv }
    Mlp [Mlp] { gated, rows, info, gate_up, a }
    MlpVjp [MlpVjp] { gated, rows, info, gate_up, c, result }
    Bias [Bias] { shape, rows, info, b, y }
    Scan [Scan] { question, logits, parts }
    Choose [Choose] { question, logits, parts, chosen }
    Column [Column] { question, logits, column, chosen }
    Cotangent [Cotangent] { question, tokens, logits }
    Gather [Gather] { gather, source, x, y }
    Contract [Contract] { shape, info, c, x, y }
}

of_kernel! {
    Norm NormVjp Axpy Append RopeVjp Attention AttentionVjpQueries AttentionVjpKeys Mlp MlpVjp
    Bias Scan Choose Column Cotangent Gather Contract
}

#[cfg(test)]
mod tests {
    use strum::VariantArray;
    use wgpu::naga::front::wgsl::parse_str;

    use super::super::cache::TangentType;
    use super::super::pack::Format;
    use super::*;

    /// A struct names what its kernel's WGSL declares, binding by binding.
    #[test]
    fn the_buffers_are_those_of_the_wgsl() {
        for kernel in Kernel::VARIANTS {
            let named = ALL.iter().find(|(of, _)| of.contains(kernel)).map(|(_, names)| *names);
            let module = parse_str(&kernel.source(Some(Format::F32), TangentType::F32)).unwrap();
            let mut declared: Vec<_> = module
                .global_variables
                .iter()
                .filter_map(|(_, v)| Some((v.binding.as_ref()?.binding, v.name.as_deref()?)))
                .collect();
            declared.sort_unstable();
            assert!(declared.iter().zip(0..).all(|((binding, _), at)| *binding == at), "{kernel:?}: {declared:?}");
            let declared: Vec<&str> = declared.into_iter().map(|(_, name)| name).collect();
            assert_eq!(named, Some(&declared[..]), "{kernel:?}");
        }
    }
}
