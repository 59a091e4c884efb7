//! Buttons beneath a picture that save it, with a caption: as SVG, whose text stays text, and as PNG.

use leptos::prelude::*;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, CanvasRenderingContext2d, Element, HtmlCanvasElement, HtmlImageElement};

use crate::app::state::{Slot, State};
use crate::app::{document, export, window};
use crate::explain::CheckpointInfo;
use crate::explain::view::View;
use crate::page::runs::Phase;
use crate::share::sheet::{caption, escaped};
use crate::wording::share as wording;

/// Pixels of a PNG for each unit of its figure.
const FINE: f32 = 3.0;

/// A picture: its SVG, its size.
pub type Drawn = (String, (f32, f32));

/// Draws an SVG and gives the picture.
async fn raster(svg: &str, (width, height): (f32, f32)) -> Result<Blob, JsValue> {
    let image = HtmlImageElement::new()?;
    let address = export::address_of("image/svg+xml", svg)?;
    image.set_src(&address);
    let decoded = JsFuture::from(image.decode()).await;
    let drawn = decoded.and_then(|_| {
        let canvas: HtmlCanvasElement = document().create_element("canvas")?.unchecked_into();
        canvas.set_width((width * FINE) as u32);
        canvas.set_height((height * FINE) as u32);
        let context = canvas.get_context("2d")?.ok_or("this browser draws nothing")?;
        let context: CanvasRenderingContext2d = context.unchecked_into();
        let (w, h) = (f64::from(width * FINE), f64::from(height * FINE));
        context.draw_image_with_html_image_element_and_dw_and_dh(&image, 0.0, 0.0, w, h)?;
        Ok(canvas)
    });
    web_sys::Url::revoke_object_url(&address)?;
    let canvas = drawn?;
    let blob = js_sys::Promise::new(&mut |done, _| {
        let _ = canvas.to_blob(&done);
    });
    JsFuture::from(blob).await?.dyn_into()
}

/// Saves a picture as a PNG, or says why not.
pub fn save_png(name: String, (svg, size): Drawn, problem: RwSignal<Option<String>>) {
    leptos::task::spawn_local(async move {
        let saved = match raster(&svg, size).await {
            Ok(blob) => export::save_blob(&name, &blob),
            Err(e) => Err(e),
        };
        if saved.is_err() {
            problem.set(Some(wording::NOT_DRAWN.into()));
        }
    });
}

/// Buttons that save what `make` draws. `name` is the file's, without its ending.
#[component]
pub fn SavePicture(
    #[prop(into)] name: String,
    #[prop(default = wording::THIS_PICTURE)] what: &'static str,
    make: impl Fn() -> Option<Drawn> + Copy + Send + Sync + 'static,
) -> impl IntoView {
    let problem = RwSignal::new(None::<String>);
    let (for_svg, for_png) = (name.clone(), name);
    let svg = move |_| {
        if let Some((svg, _)) = make() {
            let _ = export::save(&format!("{for_svg}.svg"), "image/svg+xml", &svg); // a browser that refuses says so itself
        }
    };
    let png = move |_| {
        if let Some(drawn) = make() {
            save_png(format!("{for_png}.png"), drawn, problem);
        }
    };
    view! {
        <div class="row save"><span class="cap">{wording::SAVE}" "{what}</span>
            <button type="button" class="btn small" on:click=svg>{wording::SVG}</button>
            <button type="button" class="btn small" on:click=png>{wording::PNG}</button>
            <span class="error-text" role="status">{move || problem.get()}</span>
        </div>
    }
}

/// What a stylesheet gives to parts of a drawing; a file has no stylesheet.
const STYLES: [&str; 13] = [
    "fill",
    "stroke",
    "stroke-width",
    "stroke-dasharray",
    "stroke-opacity",
    "fill-opacity",
    "opacity",
    "font-family",
    "font-size",
    "font-weight",
    "text-anchor",
    "dominant-baseline",
    "vector-effect",
];

/// Copies the look of `from` and all that is in it to its copy `to`.
fn dress(from: &Element, to: &Element) -> Option<()> {
    let computed = window().get_computed_style(from).ok()??;
    for name in STYLES {
        if let Ok(value) = computed.get_property_value(name) {
            let _ = to.set_attribute(name, &value);
        }
    }
    for unwanted in ["class", "style", "tabindex", "role", "data-word"] {
        let _ = to.remove_attribute(unwanted);
    }
    let (children, copies) = (from.children(), to.children());
    for i in 0..children.length() {
        dress(&children.item(i)?, &copies.item(i)?);
    }
    Some(())
}

/// A drawing of the page as a file: the SVG at `selector` on a ground of its own, `title` above and `about` beneath.
pub fn of_page(selector: &str, title: &str, about: &str) -> Option<Drawn> {
    let drawing = document().query_selector(selector).ok()??;
    let rectangle = drawing.get_bounding_client_rect();
    let (wide, high) = ((rectangle.width() as f32).max(1.0), rectangle.height() as f32);
    let copy: Element = drawing.clone_node_with_deep(true).ok()?.dyn_into().ok()?;
    dress(&drawing, &copy)?;
    for (name, value) in [("x", 0.0), ("y", 36.0), ("width", wide), ("height", high)] {
        copy.set_attribute(name, &value.to_string()).ok()?;
    }
    let mut inner: String = web_sys::XmlSerializer::new().ok()?.serialize_to_string(&copy).ok()?;
    // the serializer writes what XML needs
    inner = inner.replace("currentcolor", "#1b1d21");
    let width = wide.max(520.0);
    let style = window().get_computed_style(&document().body()?.into()).ok()??;
    let get = |name: &str| style.get_property_value(name).unwrap_or_default();
    let (ground, ink) = (get("background-color"), get("color"));
    let (words, height_of_words) = caption(about, width, high + 64.0);
    let height = high + 64.0 + height_of_words;
    let svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" font-family=\"Inter,Helvetica,Arial,sans-serif\">\
         <title>{0}</title><rect width=\"100%\" height=\"100%\" fill=\"{ground}\"/>\
         <text x=\"16\" y=\"24\" font-size=\"14\" font-weight=\"600\" fill=\"{ink}\">{0}</text>{inner}{words}</svg>",
        escaped(title),
    );
    Some((svg, (width, height)))
}

/// Which pair is loaded, how it was made, and when: what the caption of a picture of these models ends with.
pub fn provenance(state: State) -> String {
    let of = |slot: Slot| slot.model.with_untracked(|m| m.info.as_ref().map(named));
    made(of(state.base), of(state.tuned))
}

/// The same of a picture of the runs on screen, with the models that made them, which need not be loaded any more; before it,
/// what the rows are where they are not all words.
pub fn provenance_of_runs(state: State) -> String {
    let of = |slot: Slot| {
        let loaded = || slot.model.with_untracked(|m| m.info.as_ref().map(named));
        slot.run.with_untracked(|half| match &half.report {
            Some(report) => Some(named(&report.checkpoint)),
            // no other model can come in while it runs; once it was stopped, nobody can tell
            None => matches!(half.phase, Phase::Runs(_)).then(loaded).flatten(),
        })
    };
    let rows = state.slots().into_iter().find_map(|slot| slot.view.with_untracked(View::other_rows));
    let made = made(of(state.base), of(state.tuned));
    rows.into_iter().chain([made]).collect::<Vec<_>>().join(" ")
}

fn named(info: &CheckpointInfo) -> String {
    wording::model(&info.name, &info.file, &info.quantization)
}

fn made(base: Option<String>, tuned: Option<String>) -> String {
    wording::provenance(base.as_deref(), tuned.as_deref(), env!("CARGO_PKG_VERSION"), &crate::app::today())
}
