"""A lab in a page that is loaded once more, and on a kernel that is restarted."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.notebook_page import NotebookPage

UPSAMPLING = "import resample_viz as rv\nlab = rv.UpsamplingLab()\nlab"


def test_a_reloaded_page_gets_its_lab_back(notebook: NotebookPage) -> None:
    path = notebook.server.write_notebook([UPSAMPLING])
    notebook.turn_to(path)
    notebook.run_all()
    lab = notebook.lab("upsampling")
    notebook.wait_for_frame(lab)
    notebook.move_slider(lab, "scale_factor", 2)
    painted = notebook.panel_pixels(lab, "y")
    notebook.save()
    notebook.open(path)
    notebook.wait_for_frame(lab)
    assert (notebook.panel_pixels(lab, "y") == painted).all()


def test_after_a_kernel_restart_hovering_works_and_the_rest_says_so(
    notebook: NotebookPage,
) -> None:
    notebook.turn_to_cells(UPSAMPLING)
    notebook.run_all()
    lab = notebook.lab("upsampling")
    notebook.wait_for_frame(lab)
    notebook.restart_kernel()
    expect(lab.get_by_role("alert")).to_contain_text("run the cell again")
    notebook.panel(lab, "y").locator(".rv-screen").hover(position={"x": 50, "y": 50})
    expect(lab.locator(".rv-sentence")).to_contain_text("from 4 input cells")
    notebook.run_all()
    notebook.wait_for_frame(lab)
    notebook.move_slider(lab, "scale_factor", 1)
    expect(lab.locator(".rv-code")).to_contain_text("scale_factor=2.05")


def test_frames_come_ahead_of_the_hand(notebook: NotebookPage) -> None:
    notebook.turn_to_cells("import resample_viz as rv\nlab = rv.UpsamplingLab(size=32)\nlab")
    notebook.run_all()
    lab = notebook.lab("upsampling")
    shown = lab.locator(".rv-code")
    notebook.move_slider(lab, "scale_factor", 1)
    expect(shown).to_contain_text("scale_factor=2.05")
    notebook.settle()
    notebook.restart_kernel()  # from here on nothing is computed
    handle = notebook.control(lab, "scale_factor").locator(".noUi-handle").first
    handle.press("ArrowRight")
    expect(shown).to_contain_text("scale_factor=2.1")
    handle.press("ArrowLeft")
    expect(shown).to_contain_text("scale_factor=2.05")
