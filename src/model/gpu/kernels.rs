//! The kernels: one WGSL file for each, made into a pipeline when first used.

use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;

use wgpu::{BindGroup, BindGroupLayout, ComputePipeline};

use super::bindings::{Buffers, OfKernel};
use super::cache::TangentType;
use super::device::Gpu;
use super::ops::Call;
use super::pack::Format;

/// The kernels by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(test, derive(strum::VariantArray))]
pub(super) enum Kernel {
    Matmul,
    /// For one row, up to four and up to eight at once.
    Matvec1,
    Matvec4,
    Matvec8,
    /// The same, of rows that are normed first.
    NormMatvec1,
    NormMatvec4,
    NormMatvec8,
    Transposed,
    Embed,
    Norm,
    NormVjp,
    Axpy,
    Append,
    RopeVjp,
    Attention,
    AttentionVjpQueries,
    AttentionVjpKeys,
    Mlp,
    MlpVjp,
    Bias,
    Scan,
    Choose,
    Column,
    Cotangent,
    Gather,
    Contract,
}

/// Begins every kernel that reads a weight matrix ([`weight4`] follows), every product of few rows, of many rows, every kernel of
/// heads, of norms, of the gated activation, and of a choice.
const WEIGHTS: &str = include_str!("kernels/weights.wgsl");
const ROWS: &str = include_str!("kernels/rows.wgsl");
const TILES: &str = include_str!("kernels/tiles.wgsl");
const HEADS: &str = include_str!("kernels/heads.wgsl");
const NORMS: &str = include_str!("kernels/norms.wgsl");
const GATED: &str = include_str!("kernels/gated.wgsl");
const CHOICE: &str = include_str!("kernels/choice.wgsl");

impl Kernel {
    /// Its file's name, without the ending, and how many rows it is made for where that is fixed.
    pub fn name(self) -> String {
        let mut name = String::new();
        for c in format!("{self:?}").chars() {
            if c.is_uppercase() && !name.is_empty() {
                name.push('_');
            }
            name.extend(c.to_lowercase());
        }
        name
    }

    /// Of a kernel that reads a weight matrix, the bindings that it is given.
    fn reads(self) -> Option<Bindings> {
        match self {
            Self::Matmul | Self::Matvec1 | Self::Matvec4 | Self::Matvec8 | Self::Transposed => Some(Bindings::Product),
            Self::NormMatvec1 | Self::NormMatvec4 | Self::NormMatvec8 => Some(Bindings::NormedProduct),
            Self::Embed => Some(Bindings::Lookup),
            _ => None,
        }
    }

    /// Rows that a workgroup takes.
    pub fn rows_at_once(self) -> usize {
        match self {
            Self::Matvec4 | Self::NormMatvec4 => 4,
            Self::Matvec8 | Self::NormMatvec8 => 8,
            Self::Matmul | Self::Transposed => 32,
            _ => 1,
        }
    }

    /// Its file.
    fn text(self) -> &'static str {
        match self {
            Self::Matmul => include_str!("kernels/matmul.wgsl"),
            Self::Matvec1 | Self::Matvec4 | Self::Matvec8 => include_str!("kernels/matvec.wgsl"),
            Self::NormMatvec1 | Self::NormMatvec4 | Self::NormMatvec8 => include_str!("kernels/norm_matvec.wgsl"),
            Self::Transposed => include_str!("kernels/transposed.wgsl"),
            Self::Embed => include_str!("kernels/embed.wgsl"),
            Self::Norm => include_str!("kernels/norm.wgsl"),
            Self::NormVjp => include_str!("kernels/norm_vjp.wgsl"),
            Self::Axpy => include_str!("kernels/axpy.wgsl"),
            Self::Append => include_str!("kernels/append.wgsl"),
            Self::RopeVjp => include_str!("kernels/rope_vjp.wgsl"),
            Self::Attention => include_str!("kernels/attention.wgsl"),
            Self::AttentionVjpQueries => include_str!("kernels/attention_vjp_queries.wgsl"),
            Self::AttentionVjpKeys => include_str!("kernels/attention_vjp_keys.wgsl"),
            Self::Mlp => include_str!("kernels/mlp.wgsl"),
            Self::MlpVjp => include_str!("kernels/mlp_vjp.wgsl"),
            Self::Bias => include_str!("kernels/bias.wgsl"),
            Self::Scan => include_str!("kernels/scan.wgsl"),
            Self::Choose => include_str!("kernels/choose.wgsl"),
            Self::Column => include_str!("kernels/column.wgsl"),
            Self::Cotangent => include_str!("kernels/cotangent.wgsl"),
            Self::Gather => include_str!("kernels/gather.wgsl"),
            Self::Contract => include_str!("kernels/contract.wgsl"),
        }
    }

    /// What the GPU is given, for weights of this format and cached tangents of this type where the kernel reads any.
    pub fn source(self, format: Option<Format>, tangents: TangentType) -> String {
        let whole = self.whole(format, tangents);
        #[cfg(test)]
        if BROKEN.get() == Some(self) {
            return without_effect(&whole);
        }
        whole
    }

    fn whole(self, format: Option<Format>, tangents: TangentType) -> String {
        let weights = format.map(|format| format!("{WEIGHTS}\n{}", weight4(format))).unwrap_or_default();
        match self {
            Self::Matmul | Self::Transposed => format!("{weights}\n{TILES}\n{}", self.text()),
            Self::Embed => format!("{weights}\n{}", self.text()),
            Self::Matvec1
            | Self::Matvec4
            | Self::Matvec8
            | Self::NormMatvec1
            | Self::NormMatvec4
            | Self::NormMatvec8 => {
                let rows = self.rows_at_once();
                format!("const ROWS: u32 = {rows}u;\n{weights}\n{ROWS}\n{}", for_each_row(self.text(), rows))
            }
            Self::Append | Self::Attention => format!("{}\n{HEADS}\n{}", tangents.wgsl(), self.text()),
            Self::RopeVjp | Self::AttentionVjpQueries | Self::AttentionVjpKeys => format!("{HEADS}\n{}", self.text()),
            Self::Norm | Self::NormVjp => format!("{NORMS}\n{}", self.text()),
            Self::Mlp | Self::MlpVjp => format!("{GATED}\n{}", self.text()),
            Self::Scan | Self::Choose => format!("{CHOICE}\n{}", self.text()),
            _ => self.text().to_owned(),
        }
    }
}

/// The file that reads weights of this format.
fn weight4(format: Format) -> &'static str {
    match format {
        Format::F32 => include_str!("kernels/weights_f32.wgsl"),
        Format::F16 => include_str!("kernels/weights_f16.wgsl"),
        Format::Bf16 => include_str!("kernels/weights_bf16.wgsl"),
        Format::Bits2 => include_str!("kernels/weights_bits2.wgsl"),
        Format::Bits3 => include_str!("kernels/weights_bits3.wgsl"),
        Format::Bits4 => include_str!("kernels/weights_bits4.wgsl"),
        Format::Bits5 => include_str!("kernels/weights_bits5.wgsl"),
        Format::Bits8 => include_str!("kernels/weights_bits8.wgsl"),
    }
}

/// The text with each line that holds `{r}` once for each row, its number in that place.
fn for_each_row(text: &str, rows: usize) -> String {
    let line = |line: &str| -> Vec<String> {
        match line.contains("{r}") {
            true => (0..rows).map(|r| line.replace("{r}", &r.to_string())).collect(),
            false => vec![line.to_owned()],
        }
    };
    text.lines().flat_map(line).collect::<Vec<_>>().join("\n")
}

/// What kernels that read a weight matrix are bound to: one binding serves whichever product the number of rows asks for, and formats
/// without scales are given them too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bindings {
    /// The shape, the matrix's words and scales, how many rows, what is read and what is written.
    Product,
    /// The same, then the norm's gain, and the primal row of each row.
    NormedProduct,
    /// The shape, the matrix's words and scales, the tokens, what is written.
    Lookup,
}

impl Bindings {
    fn kinds(self) -> &'static [wgpu::BufferBindingType] {
        const READ: wgpu::BufferBindingType = wgpu::BufferBindingType::Storage { read_only: true };
        const WRITTEN: wgpu::BufferBindingType = wgpu::BufferBindingType::Storage { read_only: false };
        const UNIFORM: wgpu::BufferBindingType = wgpu::BufferBindingType::Uniform;
        match self {
            Self::Product => &[UNIFORM, READ, READ, UNIFORM, READ, WRITTEN],
            Self::NormedProduct => &[UNIFORM, READ, READ, UNIFORM, READ, WRITTEN, READ, READ],
            Self::Lookup => &[UNIFORM, READ, READ, READ, WRITTEN],
        }
    }
}

#[cfg(test)]
thread_local! {
    /// A kernel that is made to do nothing.
    static BROKEN: std::cell::Cell<Option<Kernel>> = const { std::cell::Cell::new(None) };
}

/// All kernels' names.
#[cfg(test)]
pub fn names() -> Vec<String> {
    use strum::VariantArray;
    Kernel::VARIANTS.iter().map(|k| k.name()).collect()
}

/// From now on the pipelines of the kernel of this name do nothing, or none of them if none is named.
#[cfg(test)]
pub fn break_kernel(name: Option<&str>) {
    use strum::VariantArray;
    BROKEN.set(Kernel::VARIANTS.iter().copied().find(|k| Some(k.name().as_str()) == name));
}

/// The same kernel with the same bindings, which returns at once.
#[cfg(test)]
fn without_effect(source: &str) -> String {
    let main = source.find("fn main(").unwrap();
    let body = main + source[main..].find('{').unwrap() + 1;
    format!("{}\n    if true {{ return; }}{}", &source[..body], &source[body..])
}

/// A kernel, the storage of the weights that it reads, and that of cached tangents.
type Variant = (Kernel, Option<Format>, TangentType);

/// The pipelines made so far.
#[derive(Default)]
pub(super) struct Kernels {
    made: RefCell<HashMap<Variant, ComputePipeline>>,
    layouts: [OnceCell<BindGroupLayout>; 3],
}

impl Kernels {
    /// The pipeline of `kernel`.
    pub fn pipeline(&self, gpu: &Gpu, kernel: Kernel, format: Option<Format>) -> ComputePipeline {
        let tangents = gpu.tangent_type();
        let make = || {
            let label = Some(format!("{kernel:?}"));
            let module = gpu.device.create_shader_module(wgpu::ShaderModuleDescriptor {
                label: label.as_deref(),
                source: wgpu::ShaderSource::Wgsl(kernel.source(format, tangents).into()),
            });
            let layout = kernel.reads().map(|bindings| {
                gpu.device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
                    bind_group_layouts: &[Some(self.layout(gpu, bindings))],
                    ..Default::default()
                })
            });
            gpu.device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
                label: label.as_deref(),
                layout: layout.as_ref(),
                module: &module,
                entry_point: Some("main"),
                compilation_options: Default::default(),
                cache: None,
            })
        };
        self.made.borrow_mut().entry((kernel, format, tangents)).or_insert_with(make).clone()
    }

    fn layout(&self, gpu: &Gpu, bindings: Bindings) -> &BindGroupLayout {
        self.layouts[bindings as usize].get_or_init(|| {
            let entry = |(ty, binding): (&wgpu::BufferBindingType, u32)| wgpu::BindGroupLayoutEntry {
                binding,
                visibility: wgpu::ShaderStages::COMPUTE,
                ty: wgpu::BindingType::Buffer { ty: *ty, has_dynamic_offset: false, min_binding_size: None },
                count: None,
            };
            let entries: Vec<_> = bindings.kinds().iter().zip(0..).map(entry).collect();
            let descriptor = wgpu::BindGroupLayoutDescriptor { label: Some("weights"), entries: &entries };
            gpu.device.create_bind_group_layout(&descriptor)
        })
    }

    /// A kernel with its buffers.
    pub fn bind<B: OfKernel>(&self, gpu: &Gpu, buffers: B) -> Call {
        let (kernel, pipeline) = (B::KERNEL, self.pipeline(gpu, B::KERNEL, None));
        let group = self.group(gpu, kernel, &pipeline.get_bind_group_layout(0), &buffers);
        Call { kernel, pipeline, group }
    }

    /// Kernels that read weights of this format, and that share their buffers.
    pub fn bind_weights(&self, gpu: &Gpu, kernels: &[Kernel], format: Format, buffers: &impl Buffers) -> Vec<Call> {
        let Some((first, bindings)) = kernels.first().and_then(|first| Some((*first, first.reads()?))) else {
            return Vec::new();
        };
        let group = self.group(gpu, first, self.layout(gpu, bindings), buffers);
        let call = |&kernel: &Kernel| Call {
            kernel,
            pipeline: self.pipeline(gpu, kernel, Some(format)),
            group: group.clone(),
        };
        kernels.iter().map(call).collect()
    }

    fn group(&self, gpu: &Gpu, kernel: Kernel, layout: &BindGroupLayout, buffers: &impl Buffers) -> BindGroup {
        let label = kernel.name();
        let entries: Vec<wgpu::BindGroupEntry> = buffers
            .list()
            .into_iter()
            .zip(0..)
            .map(|(b, binding)| wgpu::BindGroupEntry { binding, resource: b.as_entire_binding() })
            .collect();
        gpu.device.create_bind_group(&wgpu::BindGroupDescriptor { label: Some(&label), layout, entries: &entries })
    }
}

#[cfg(test)]
mod tests {
    use strum::VariantArray;
    use wgpu::naga::valid::Capabilities;

    use super::*;

    /// What Chromium's own compiler says, where its command is installed.
    fn tint(source: &str) -> Result<(), String> {
        let file = tempfile::Builder::new().suffix(".wgsl").tempfile().unwrap();
        std::fs::write(file.path(), source).unwrap();
        match std::process::Command::new("tint").args(["--format", "wgsl"]).arg(file.path()).output() {
            Ok(said) if !said.status.success() => Err(String::from_utf8_lossy(&said.stderr).into_owned()),
            _ => Ok(()),
        }
    }

    /// Every file passes naga with no more than WebGPU's own features; all failures are reported at once.
    #[test]
    fn every_kernel_is_valid() {
        let mut failures = Vec::new();
        let formats = |kernel: Kernel| match kernel {
            kernel if kernel.reads().is_some() => Format::VARIANTS.iter().copied().map(Some).collect(),
            _ => vec![None],
        };
        let all = Kernel::VARIANTS.iter().flat_map(|&kernel| formats(kernel).into_iter().map(move |f| (kernel, f)));
        let all = all.flat_map(|(kernel, format)| TangentType::VARIANTS.iter().map(move |t| (kernel, format, *t)));
        for (kernel, format, tangents) in all {
            let source = kernel.source(format, tangents);
            let checked =
                wgpu::naga::front::wgsl::parse_str(&source).map_err(|e| e.emit_to_string(&source)).and_then(|module| {
                    let mut validator = wgpu::naga::valid::Validator::new(
                        wgpu::naga::valid::ValidationFlags::all(),
                        // `unpack2x16float`, which is a part of WGSL itself
                        match tangents {
                            TangentType::F32 => Capabilities::SHADER_FLOAT16_IN_FLOAT32,
                            TangentType::F16 => Capabilities::SHADER_FLOAT16_IN_FLOAT32 | Capabilities::SHADER_FLOAT16,
                        },
                    );
                    validator.validate(&module).map(drop).map_err(|e| e.emit_to_string(&source))
                });
            failures.extend(checked.err().map(|e| format!("{kernel:?} of {format:?}, {tangents:?}: {e}")));
            failures.extend(tint(&source).err().map(|e| format!("{kernel:?} of {format:?}, tint: {e}")));
        }
        assert!(failures.is_empty(), "{}", failures.join("\n\n"));
    }
}
