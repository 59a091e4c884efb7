//! Screenshots of a view at both sizes and in both themes.

use super::page::Page;

/// Takes them from the element `section` on; none may be wider than its screen.
pub async fn each_theme_and_size(page: &Page, name: &str, section: &str) {
    for (size, width, height) in [("wide", 1280, 720), ("narrow", 390, 844)] {
        page.resize(width, height).await;
        for theme in ["light", "dark"] {
            let set = format!(
                "if(document.documentElement.dataset.theme!='{theme}')document.querySelector('#theme').click(); document.querySelector('{section}').scrollIntoView()"
            );
            page.js(&set).await;
            page.shot(&format!("{name}-{size}-{theme}")).await;
            let overflow = "return document.documentElement.scrollWidth-document.documentElement.clientWidth";
            assert!(page.js(overflow).await.as_i64().unwrap() <= 0, "{name}, {size}, {theme}");
        }
    }
    page.resize(1280, 900).await;
}
