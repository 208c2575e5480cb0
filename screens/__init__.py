"""The Streamlit pages. They show what `hakyu.case.Case` answers; they compute nothing."""
