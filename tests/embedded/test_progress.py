"""What a person sees of a step, and of one that fails."""

import sys

import pytest

from embedded.progress import Step, StepFailed, run


def test_a_step_says_what_it_does_and_what_came_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    with Step("Disk") as step:
        step.doing("building")
        step.done("30 MB")
    assert capsys.readouterr().out == "  Disk ... building ... 30 MB\n"


def test_a_failed_command_is_shown_with_the_end_of_its_output_and_advice() -> None:
    noisy = "import sys; print('first'); [print(n) for n in range(50)]; print('cause'); sys.exit(4)"
    with pytest.raises(StepFailed, match="ended with status 4") as failure:
        run([sys.executable, "-c", noisy], timeout=60, do="Try the other thing.")
    assert "cause" in failure.value.why
    assert "    first\n" not in failure.value.why
    assert failure.value.do == "Try the other thing."


def test_a_command_that_hangs_is_ended_and_named() -> None:
    with pytest.raises(StepFailed, match="did not end within"):
        run([sys.executable, "-c", "import time; time.sleep(600)"], timeout=0.5)


def test_a_program_that_is_not_there_is_named() -> None:
    with pytest.raises(StepFailed, match="no-such-program is not there"):
        run(["no-such-program"], timeout=5)
