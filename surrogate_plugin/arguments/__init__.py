"""What callers hand over, read once: made into the floats, arrays and names computed with, or refused in a sentence.

Nothing else in the package asks numpy to make something of a stranger's object, so no error of numpy's inside reaches
a caller, and nothing is taken for what it is not: text is no number, nor is a truth value where one number is wanted.
"""

from surrogate_plugin.arguments.arrays import (
    MAX_PIXELS,
    check_finite,
    check_values,
    coefficient,
    largest,
    least,
    real_array,
    same_shape,
    truth_array,
    whole_sides,
)
from surrogate_plugin.arguments.items import lattice_places, per_item, plane_points, special_per_item
from surrogate_plugin.arguments.kinds import instance_of, is_able, one_of
from surrogate_plugin.arguments.numbers import (
    HUGE,
    NOT_NEGATIVE,
    TINY,
    number_not_negative,
    one_number,
    positive_number,
)
from surrogate_plugin.arguments.sentences import shown
from surrogate_plugin.arguments.types import BoolArray, Coefficient, Float32Array, FloatArray, IndexArray

__all__ = [
    "BoolArray", "Coefficient", "Float32Array", "FloatArray", "IndexArray",
    "HUGE", "MAX_PIXELS", "NOT_NEGATIVE", "TINY",
    "number_not_negative", "one_number", "positive_number",
    "coefficient", "real_array", "truth_array",
    "check_finite", "check_values", "largest", "least", "same_shape", "whole_sides",
    "lattice_places", "per_item", "plane_points", "special_per_item",
    "instance_of", "is_able", "one_of",
    "shown",
]  # fmt: skip
