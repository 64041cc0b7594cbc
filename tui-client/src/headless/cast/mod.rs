//! Turns a recorded session into an asciicast or an SVG picture. The recording runs through the reducer and the renderer;
//! there is no terminal, no server and no clock, so that the same recording gives the same bytes.

use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};

use crate::app::portfolio::money::UnixMillis;
use crate::app::replay::Recording;
use crate::cli::cast::{CastArgs, CastOutput, clamp_size};
use crate::headless::output::printed;
use crate::storage::asciicast::{CastHeader, CastWriter};
use crate::storage::replace::replace_file;
use crate::ui::cast::ansi::AnsiScreen;
use crate::ui::cast::frames::{Frames, Tempo};
use crate::ui::cast::svg::Picture;
use crate::ui::cast::title;
use crate::ui::frame_limiter::FRAME_INTERVAL;
use crate::ui::{self, Renderer};

/// Frames a second of a moving picture without `--fps`.
const DEFAULT_FPS: u32 = 8;

/// Writes the file that `arguments` describe, drawn by `view`. Fails if the time of a still is after the end of the
/// recording, the picture is too large, or the file exists or cannot be written. A file that was there before is then
/// unchanged.
pub(crate) fn run(recording: Recording, arguments: &CastArgs, view: &Renderer) -> Result<()> {
    if arguments.replaces_recording() {
        return Err(anyhow!("output: {} is the recording", arguments.file.display()));
    }
    let file = arguments.output.file();
    let existing = file.filter(|path| !arguments.replace && path.symlink_metadata().is_ok());
    if let Some(path) = existing {
        return Err(anyhow!(
            "output: {} exists; choose another name, or add --replace",
            path.display()
        ));
    }
    let cast = Cast {
        arguments,
        view,
        size: arguments.size.unwrap_or_else(|| clamp_size(recording.size)),
        start: recording.start,
        title: title(&recording.info),
    };
    match arguments.output {
        CastOutput::Asciicast(_) => save(file, |out| cast.write_asciicast(recording, out)),
        CastOutput::Svg(_) => {
            let picture = cast.draw_picture(recording)?;
            save(file, |out| out.write_all(picture.as_bytes()))
        }
    }
}

struct Cast<'a> {
    arguments: &'a CastArgs,
    view: &'a Renderer,
    size: (u16, u16),
    start: UnixMillis,
    title: String,
}

impl Cast<'_> {
    /// Writes all frames. The last event closes the screen and prints the summary, when the recording ends.
    fn write_asciicast(&self, recording: Recording, out: impl Write) -> io::Result<()> {
        let (columns, rows) = self.size;
        let header = CastHeader {
            columns,
            rows,
            start: self.start,
            title: &self.title,
        };
        let mut writer = CastWriter::new(out, self.arguments.format.unwrap_or_default());
        writer.write_header(header)?;
        let (mut screen, opening) = AnsiScreen::enter(columns, rows)?;
        writer.write(Duration::ZERO, &opening)?;
        let mut tempo = self.tempo();
        let mut frames = self.frames(recording, FRAME_INTERVAL);
        for frame in &mut frames {
            writer.write(tempo.output_time(frame.at), &screen.update(&frame)?)?;
        }
        let end = tempo.output_time(frames.length());
        writer.write(end, &screen.leave(&ui::summary(frames.state()))?)
    }

    fn draw_picture(&self, recording: Recording) -> Result<String> {
        let mut picture = Picture::new(self.size, self.view.theme.text.bg);
        if let Some(at) = self.arguments.at {
            let mut frames = self.frames(recording, FRAME_INTERVAL);
            let frame = frames.still(at).ok_or_else(|| {
                let (at, length) = (at.as_secs_f64(), frames.length().as_secs_f64());
                anyhow!("at: {at} s is after the end of the recording, {length} s")
            })?;
            picture.add(Duration::ZERO, &frame)?;
        } else {
            let fps = self.arguments.fps.unwrap_or(DEFAULT_FPS);
            let mut tempo = self.tempo();
            for frame in self.frames(recording, Duration::from_secs(1) / fps) {
                picture.add(tempo.output_time(frame.at), &frame)?;
            }
        }
        Ok(picture.finish(&self.title)?)
    }

    fn frames(&self, recording: Recording, interval: Duration) -> Frames<'_> {
        Frames::new(recording, self.view, self.size, interval)
    }

    fn tempo(&self) -> Tempo {
        Tempo::new(self.arguments.idle, self.arguments.speed)
    }
}

/// Writes to the file, or else to standard output.
fn save(file: Option<&Path>, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<()> {
    let Some(path) = file else {
        let mut out = io::BufWriter::new(io::stdout().lock());
        return printed(write(&mut out).and_then(|()| out.flush()));
    };
    replace_file(path, |out| write(out)).with_context(|| format!("output: cannot write {}", path.display()))
}

#[cfg(test)]
mod tests;
