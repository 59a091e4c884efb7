//! The kernels: one WGSL file for each, made into a pipeline when first used.

use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;

use wgpu::{BindGroup, BindGroupLayout, Buffer, ComputePipeline};

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
    Choose,
    Column,
    Cotangent,
    Gather,
    Contract,
}

/// Begins every kernel that reads a weight matrix, every product of many rows, every kernel of heads, of norms, and of the
/// gated activation.
const WEIGHTS: &str = include_str!("kernels/weights.wgsl");
const TILES: &str = include_str!("kernels/tiles.wgsl");
const HEADS: &str = include_str!("kernels/heads.wgsl");
const NORMS: &str = include_str!("kernels/norms.wgsl");
const GATED: &str = include_str!("kernels/gated.wgsl");

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

    /// Whether it multiplies rows by a matrix.
    fn is_product(self) -> bool {
        matches!(self, Self::Matmul | Self::Matvec1 | Self::Matvec4 | Self::Matvec8)
    }

    /// Rows that a workgroup takes.
    pub fn rows_at_once(self) -> usize {
        match self {
            Self::Matvec4 => 4,
            Self::Matvec8 => 8,
            Self::Matmul | Self::Transposed => 32,
            _ => 1,
        }
    }

    /// Its file.
    fn text(self) -> &'static str {
        match self {
            Self::Matmul => include_str!("kernels/matmul.wgsl"),
            Self::Matvec1 | Self::Matvec4 | Self::Matvec8 => include_str!("kernels/matvec.wgsl"),
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
            Self::Choose => include_str!("kernels/choose.wgsl"),
            Self::Column => include_str!("kernels/column.wgsl"),
            Self::Cotangent => include_str!("kernels/cotangent.wgsl"),
            Self::Gather => include_str!("kernels/gather.wgsl"),
            Self::Contract => include_str!("kernels/contract.wgsl"),
        }
    }

    /// What the GPU is given.
    pub fn source(self) -> String {
        let whole = self.whole();
        #[cfg(test)]
        if BROKEN.get() == Some(self) {
            return without_effect(&whole);
        }
        whole
    }

    fn whole(self) -> String {
        match self {
            Self::Matmul | Self::Transposed => format!("{WEIGHTS}\n{TILES}\n{}", self.text()),
            Self::Embed => format!("{WEIGHTS}\n{}", self.text()),
            Self::Matvec1 | Self::Matvec4 | Self::Matvec8 => {
                format!("const ROWS: u32 = {}u;\n{WEIGHTS}\n{}", self.rows_at_once(), self.text())
            }
            Self::Append | Self::RopeVjp | Self::Attention | Self::AttentionVjpQueries | Self::AttentionVjpKeys => {
                format!("{HEADS}\n{}", self.text())
            }
            Self::Norm | Self::NormVjp => format!("{NORMS}\n{}", self.text()),
            Self::Mlp | Self::MlpVjp => format!("{GATED}\n{}", self.text()),
            _ => self.text().to_owned(),
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

/// Pipelines by kernel and the storage of its weights.
#[derive(Default)]
pub(super) struct Kernels {
    made: RefCell<HashMap<(Kernel, Option<Format>), ComputePipeline>>,
    /// What all products are bound to, so that one binding serves whichever of them the number of rows asks for.
    product: OnceCell<BindGroupLayout>,
}

impl Kernels {
    /// The pipeline of `kernel`.
    pub fn pipeline(&self, gpu: &Gpu, kernel: Kernel, format: Option<Format>) -> ComputePipeline {
        let make = || {
            let label = Some(format!("{kernel:?}"));
            let module = gpu.device.create_shader_module(wgpu::ShaderModuleDescriptor {
                label: label.as_deref(),
                source: wgpu::ShaderSource::Wgsl(kernel.source().into()),
            });
            let constants: Vec<(&str, f64)> = format.iter().map(|f| ("FORMAT", f64::from(f.number()))).collect();
            let layout = kernel.is_product().then(|| {
                gpu.device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
                    bind_group_layouts: &[Some(self.product(gpu))],
                    ..Default::default()
                })
            });
            gpu.device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
                label: label.as_deref(),
                layout: layout.as_ref(),
                module: &module,
                entry_point: Some("main"),
                compilation_options: wgpu::PipelineCompilationOptions { constants: &constants, ..Default::default() },
                cache: None,
            })
        };
        self.made.borrow_mut().entry((kernel, format)).or_insert_with(make).clone()
    }

    /// The bindings of a product: its shape, the matrix's words and scales, how many rows, what is read and what is written.
    fn product(&self, gpu: &Gpu) -> &BindGroupLayout {
        self.product.get_or_init(|| {
            let read = wgpu::BufferBindingType::Storage { read_only: true };
            let written = wgpu::BufferBindingType::Storage { read_only: false };
            let uniform = wgpu::BufferBindingType::Uniform;
            let entry = |(binding, ty): (u32, wgpu::BufferBindingType)| wgpu::BindGroupLayoutEntry {
                binding,
                visibility: wgpu::ShaderStages::COMPUTE,
                ty: wgpu::BindingType::Buffer { ty, has_dynamic_offset: false, min_binding_size: None },
                count: None,
            };
            let entries = [(0, uniform), (1, read), (2, read), (3, uniform), (4, read), (5, written)].map(entry);
            let descriptor = wgpu::BindGroupLayoutDescriptor { label: Some("product"), entries: &entries };
            gpu.device.create_bind_group_layout(&descriptor)
        })
    }

    /// A pipeline with its buffers, in the order of their bindings.
    pub fn bind(&self, gpu: &Gpu, kernel: Kernel, format: Option<Format>, buffers: &[&Buffer]) -> Call {
        let pipeline = self.pipeline(gpu, kernel, format);
        let group = self.group(gpu, &pipeline.get_bind_group_layout(0), buffers);
        Call { kernel, pipeline, group }
    }

    /// All kernels of products with the same buffers.
    pub fn bind_products<const N: usize>(
        &self,
        gpu: &Gpu,
        kernels: [Kernel; N],
        format: Format,
        buffers: &[&Buffer],
    ) -> [Call; N] {
        let group = self.group(gpu, self.product(gpu), buffers);
        kernels.map(|kernel| Call { kernel, pipeline: self.pipeline(gpu, kernel, Some(format)), group: group.clone() })
    }

    fn group(&self, gpu: &Gpu, layout: &BindGroupLayout, buffers: &[&Buffer]) -> BindGroup {
        let entries: Vec<wgpu::BindGroupEntry> = buffers
            .iter()
            .zip(0..)
            .map(|(b, binding)| wgpu::BindGroupEntry { binding, resource: b.as_entire_binding() })
            .collect();
        gpu.device.create_bind_group(&wgpu::BindGroupDescriptor { label: None, layout, entries: &entries })
    }
}

#[cfg(test)]
mod tests {
    use strum::VariantArray;

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
        for kernel in Kernel::VARIANTS {
            let source = kernel.source();
            let checked =
                wgpu::naga::front::wgsl::parse_str(&source).map_err(|e| e.emit_to_string(&source)).and_then(|module| {
                    let mut validator = wgpu::naga::valid::Validator::new(
                        wgpu::naga::valid::ValidationFlags::all(),
                        // `unpack2x16float`, which is a part of WGSL itself
                        wgpu::naga::valid::Capabilities::SHADER_FLOAT16_IN_FLOAT32,
                    );
                    validator.validate(&module).map(drop).map_err(|e| e.emit_to_string(&source))
                });
            failures.extend(checked.err().map(|e| format!("{kernel:?}: {e}")));
            failures.extend(tint(&source).err().map(|e| format!("{kernel:?}, tint: {e}")));
        }
        assert!(failures.is_empty(), "{}", failures.join("\n\n"));
    }
}
