"""The terms of the pages: what each means, and what a good value is. Every hover text comes from here."""

from typing import NamedTuple


class Term(NamedTuple):
    """What a term means, and what a good value of it is ("" for what is no number)."""

    meaning: str
    good: str = ""


TERMS = {
    "to forget (D_f)": Term(
        "The pictures that you picked: the classifier should no longer recognise them. The number is the "
        "percentage that it still recognises.",
        "0 is what was asked: not one of these very pictures is recognised. Whether changed copies are, says "
        "*Depth*.",
    ),
    "kept (D_r)": Term(
        "All other training pictures: nothing should change for them. The number is the percentage that the "
        "classifier recognises.",
        "As before. One point less on 4,000 pictures means that about 40 of them are no longer recognised.",
    ),
    "never seen (D_test)": Term(
        "Pictures that the classifier was never trained on: they show what it can do with new ones. The "
        "number is the percentage that it recognises.",
        "As before.",
    ),
    "agreement": Term(
        "Without labels there is no accuracy. Agreement is the percentage of pictures that get the same "
        "prediction as from the classifier before.",
        "100 means that no prediction changed.",
    ),
    "recognise": Term("A classifier recognises a picture if it predicts the picture's label."),
    "look-alike": Term(
        "A picture made from those to forget: a copy so deformed that it looks like another picture of the "
        "class, or one that was changed until the classifier takes it for something else. The method never "
        "gets to see the kept pictures; look-alikes stand in for them."
    ),
    "repair": Term(
        "The last steps, when all that the depth demands is forgotten. They restore what forgetting "
        "damaged, while all stays forgotten."
    ),
    "depth": Term(
        "How much it takes until a forgotten picture is recognised again. Slightly changed copies are "
        "shifted, turned, brightened, noisy, or saved as JPEG.",
        "The lower the percentage of recognised copies, the deeper. A classifier that never saw the picture "
        "would recognise most copies of a typical one: deeper is not the same as never seen.",
    ),
    "if never trained on": Term(
        "What classifiers say that were trained without these pictures. They know others that look alike.",
        "None: it is a yardstick. Near 100 the pictures are typical: a classifier recognises them even if it "
        "never saw them, so that one that gives another answer is not as if it had never seen them. Near 0 "
        "they are hard or odd: a classifier that never saw them does not recognise them either.",
    ),
    "misclassify": Term("Predicted as any class but its label."),
    "relabel": Term("Predicted as a class that you choose."),
    "importance": Term(
        "How strongly the output for the pictures to forget reacts to a weight (MAS, Aljundi et al. 2018), "
        "from 0 to 1 in each layer.",
        "There is no good value: compare it with the change.",
    ),
    "change": Term("Root-mean-square difference of the weights before and after."),
    "rank correlation": Term(
        "Spearman's: whether two lists of numbers have the same order, from −1 to 1.",
        "1 is the same order, 0 is no relation, −1 the reverse.",
    ),
    "change in the top 5%": Term(
        "The share of the squared change that lies in the 5% most important cells of the layer.",
        "5% is what chance would give; far above means that forgetting went for the important weights.",
    ),
    "seed": Term("The same seed on the same machine gives the same result; another one shows the spread."),
    "maximum steps": Term("The run stops here even if not all is forgotten."),
}


def explained(term: str) -> str:
    """Return the hover text of a term: what it means and what a good value is."""
    found = TERMS[term]
    return f"{found.meaning}  \n**A good value?** {found.good}" if found.good else found.meaning
