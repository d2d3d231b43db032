"""The colours of every chart and the one way a chart is laid out."""

import plotly.graph_objects as go

FORGET = "#CC2A87"
RETAIN = "#0E9384"
TEST = "#64809F"
BEFORE = "#868C95"
AFTER = "#E0780B"

# Half transparent, so that one colour is legible on white and on near-black.
GRID = "rgba(128, 136, 150, 0.25)"

CONFIG = {"displaylogo": False, "toImageButtonOptions": {"format": "svg"}}
"""What `st.plotly_chart` takes as `config`: the toolbar's camera saves a vector picture."""


def style(figure: go.Figure, height: int = 280) -> go.Figure:
    """Lay out a figure as every chart of the app: see-through, close margins, legend above; return it.

    The text's colour is left to Streamlit's Plotly theme, which follows light and dark.
    """
    figure.update_layout(
        height=height,
        margin={"l": 8, "r": 8, "t": 32, "b": 8},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"size": 13},
        hovermode="closest",
        modebar={"bgcolor": "rgba(0,0,0,0)"},
        legend={"orientation": "h", "x": 0, "y": 1.02, "xanchor": "left", "yanchor": "bottom"},
    )
    figure.update_xaxes(gridcolor=GRID, zerolinecolor=GRID, automargin=True)
    figure.update_yaxes(gridcolor=GRID, zerolinecolor=GRID, automargin=True)
    return figure
