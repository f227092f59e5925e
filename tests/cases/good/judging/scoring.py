"""What a right answer is worth."""


def profit(truth, predicted, rows):
    """Two for every penguin that is named rightly, minus one for every other."""
    right = (truth == predicted["prediction"]).sum()
    return float(3 * right - len(truth))
